//! Quotas: what the apps of an environment may ask for together, in the units of Kubernetes.

use crate::environment::EnvironmentRef;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// What may be asked for together; `None`: as much as they like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// CPU, in thousandths of a core.
    pub cpu_millis: Option<i64>,
    /// Memory, in MiB.
    pub memory_mib: Option<i64>,
    /// Pods.
    pub pods: Option<i64>,
}

/// The quota of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaRow {
    /// Where.
    pub environment: EnvironmentRef,
    /// How much.
    pub quota: Quota,
}

/// The largest amount that is taken, in any unit: a million cores, a pebibyte.
const MOST: i64 = 1_000_000_000;

/// An amount that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// Not an amount of CPU.
    #[error("write cores, as in 4, 1.5 or 500m")]
    Cpu,
    /// Not an amount of memory.
    #[error("write memory with its unit, as in 512Mi or 8Gi")]
    Memory,
    /// Not a number of pods.
    #[error("write a whole number, as in 20")]
    Pods,
}

impl QuotaError {
    /// The words for a field's error.
    pub fn text(self) -> Text {
        let zh = match self {
            Self::Cpu => "请填写核数，如 4、1.5 或 500m",
            Self::Memory => "请填写带单位的内存，如 512Mi 或 8Gi",
            Self::Pods => "请填写整数，如 20",
        };
        Text::new(self.to_string(), zh)
    }
}

/// A positive amount that is not beyond all reason.
fn within(amount: Option<i64>) -> Option<i64> {
    amount.filter(|amount| (1..=MOST).contains(amount))
}

/// `text` in thousandths: digits, and up to three more after a point.
fn thousandths(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 {
        return None;
    }
    let part: i64 = format!("{part:0<3}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(part)
}

/// Reads CPU: cores (`4`, `1.5`) or thousandths (`500m`); nothing typed is no limit. In thousandths of a core.
///
/// # Errors
/// It is neither, or nothing or beyond all reason.
pub fn cpu(text: &str) -> Result<Option<i64>, QuotaError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let millis = match text.strip_suffix('m') {
        Some(millis) => millis.parse().ok(),
        None => thousandths(text),
    };
    within(millis).map(Some).ok_or(QuotaError::Cpu)
}

/// Reads memory: `512Mi`, `8Gi` or `1Ti`; nothing typed is no limit. In MiB.
///
/// # Errors
/// It has no such unit, or it is nothing or beyond all reason.
pub fn memory(text: &str) -> Result<Option<i64>, QuotaError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let units = [("Mi", 1), ("Gi", 1024), ("Ti", 1024 * 1024)];
    let mib = units.into_iter().find_map(|(unit, factor)| {
        let number = text.strip_suffix(unit)?.trim_end();
        number.parse::<i64>().ok()?.checked_mul(factor)
    });
    within(mib).map(Some).ok_or(QuotaError::Memory)
}

/// Reads a number of pods; nothing typed is no limit.
///
/// # Errors
/// It is no whole number, or nothing or beyond all reason.
pub fn pods(text: &str) -> Result<Option<i64>, QuotaError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    within(text.parse().ok()).map(Some).ok_or(QuotaError::Pods)
}

impl Quota {
    /// CPU as one writes it: `4`, `500m`; empty: no limit.
    pub fn cpu_text(&self) -> String {
        match self.cpu_millis {
            None => String::new(),
            Some(millis) if millis % 1000 == 0 => (millis / 1000).to_string(),
            Some(millis) => format!("{millis}m"),
        }
    }

    /// Memory as one writes it: `8Gi`, `512Mi`; empty: no limit.
    pub fn memory_text(&self) -> String {
        match self.memory_mib {
            None => String::new(),
            Some(mib) if mib % 1024 == 0 => format!("{}Gi", mib / 1024),
            Some(mib) => format!("{mib}Mi"),
        }
    }

    /// Pods as one writes them; empty: no limit.
    pub fn pods_text(&self) -> String {
        self.pods.map_or_else(String::new, |pods| pods.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            cpu_millis in proptest::option::of(1..=MOST),
            memory_mib in proptest::option::of(1..=MOST),
            pods_most in proptest::option::of(1..=MOST),
        ) {
            let quota = Quota { cpu_millis, memory_mib, pods: pods_most };
            prop_assert_eq!(cpu(&quota.cpu_text()), Ok(cpu_millis));
            prop_assert_eq!(memory(&quota.memory_text()), Ok(memory_mib));
            prop_assert_eq!(pods(&quota.pods_text()), Ok(pods_most));
        }

        #[test]
        fn no_text_makes_it_panic_or_gives_less_than_one(text in ".{0,24}") {
            for read in [cpu(&text), memory(&text), pods(&text)] {
                prop_assert!(read.is_err() || read.is_ok_and(|amount| amount.is_none_or(|a| a >= 1)));
            }
        }
    }

    #[test]
    fn amounts_are_read_as_kubernetes_writes_them() {
        assert_eq!(cpu("1.5"), Ok(Some(1500)));
        assert_eq!(cpu(" 500m "), Ok(Some(500)));
        assert_eq!(cpu(""), Ok(None));
        assert_eq!(memory("8Gi"), Ok(Some(8192)));
        for wrong in ["0", "-1", "1.2345", "4 cores", "m", ".5", "9999999999999999999"] {
            assert_eq!(cpu(wrong), Err(QuotaError::Cpu), "{wrong}");
        }
        for wrong in ["8", "8G", "0Gi", "-1Mi", "Gi", "9223372036854775807Ti"] {
            assert_eq!(memory(wrong), Err(QuotaError::Memory), "{wrong}");
        }
        assert_eq!(pods("2.5"), Err(QuotaError::Pods));
    }
}
