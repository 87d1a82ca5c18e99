//! Resource quantities: `250m`, `1.5Gi`, `2`.

use serde_json::Value;

/// A quantity in thousandths of its unit, with the family of suffixes it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity {
    pub milli: i128,
    binary: bool,
}

const BINARY: [(&str, u32); 6] = [
    ("Ki", 10),
    ("Mi", 20),
    ("Gi", 30),
    ("Ti", 40),
    ("Pi", 50),
    ("Ei", 60),
];
const DECIMAL: [(&str, u32); 6] = [("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

impl Quantity {
    pub const ZERO: Self = Self {
        milli: 0,
        binary: false,
    };

    pub fn parse(text: &str) -> Option<Self> {
        let end = text
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-')))
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if number.is_empty() || (whole.trim_start_matches(['+', '-']).is_empty() && fraction.is_empty()) {
            return None;
        }
        let negative = whole.starts_with('-');
        let digits = format!("{}{fraction}", whole.trim_start_matches(['+', '-']));
        let value: i128 = digits.parse().ok()?;
        let places = u32::try_from(fraction.len()).ok()?;
        let (times, down, binary) = scale(suffix)?;
        // Rounded up to a thousandth, as Kubernetes rounds up to its smallest unit.
        let divisor = 10i128.checked_pow(places)?.checked_mul(down)?;
        let raised = value.checked_mul(1000)?.checked_mul(times)?;
        let milli = raised.div_euclid(divisor) + i128::from(raised.rem_euclid(divisor) != 0);
        Some(Self {
            milli: if negative { -milli } else { milli },
            binary,
        })
    }

    /// Of a JSON string or number.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    pub fn plus(self, other: Self) -> Self {
        let binary = if self.milli == 0 {
            other.binary
        } else {
            self.binary
        };
        Self {
            milli: self.milli + other.milli,
            binary,
        }
    }

    pub fn count(number: usize) -> Self {
        Self {
            milli: i128::try_from(number).unwrap_or(i128::MAX / 1000) * 1000,
            binary: false,
        }
    }
}

fn scale(suffix: &str) -> Option<(i128, i128, bool)> {
    if let Some((_, bits)) = BINARY.iter().find(|(s, _)| *s == suffix) {
        return Some((1i128 << bits, 1, true));
    }
    if let Some((_, zeros)) = DECIMAL.iter().find(|(s, _)| *s == suffix) {
        return Some((10i128.pow(*zeros), 1, false));
    }
    match suffix {
        "" => Some((1, 1, false)),
        "m" => Some((1, 1000, false)),
        "u" => Some((1, 1_000_000, false)),
        "n" => Some((1, 1_000_000_000, false)),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10i128.checked_pow(exponent.unsigned_abs())?;
            Some(if exponent < 0 {
                (1, power, false)
            } else {
                (power, 1, false)
            })
        }
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.milli % 1000 != 0 {
            return write!(f, "{}m", self.milli);
        }
        let value = self.milli / 1000;
        let fits = |unit: i128| value != 0 && value % unit == 0;
        let found = if self.binary {
            BINARY
                .iter()
                .rev()
                .map(|(s, bits)| (s, 1i128 << bits))
                .find(|(_, unit)| fits(*unit))
        } else {
            DECIMAL
                .iter()
                .rev()
                .map(|(s, zeros)| (s, 10i128.pow(*zeros)))
                .find(|(_, unit)| fits(*unit))
        };
        match found {
            Some((suffix, unit)) => write!(f, "{}{suffix}", value / unit),
            None => write!(f, "{value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_print_in_their_canonical_form() {
        for (written, canonical) in [
            ("1000m", "1"),
            ("250m", "250m"),
            ("0.5", "500m"),
            ("1.5Gi", "1536Mi"),
            ("1024Mi", "1Gi"),
            ("2000", "2k"),
            ("100", "100"),
            ("1e3", "1k"),
            ("0", "0"),
            ("128974848", "128974848"),
        ] {
            assert_eq!(
                Quantity::parse(written).expect(written).to_string(),
                canonical,
                "{written}"
            );
        }
        assert_eq!(Quantity::parse("1x"), None);
        assert_eq!(Quantity::parse(""), None);
    }
}
