//! Escape sequences of terminals (ECMA-48).

use super::{Color, Style};

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

/// What an escape sequence says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Escape<'a> {
    /// How many bytes it has.
    pub length: usize,
    /// The parameters, when it sets the style.
    pub style: Option<&'a [u8]>,
}

/// Reads the sequence that begins with the ESC at the start of `bytes`, which hold one line.
pub(super) fn escape(bytes: &[u8]) -> Escape<'_> {
    match bytes.get(1) {
        Some(b'[') => control_sequence(bytes),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => Escape {
            length: string_sequence(bytes),
            style: None,
        },
        Some(b'(' | b')' | b'*' | b'+' | b'#' | b'%' | b' ') => Escape {
            length: bytes.len().min(3),
            style: None,
        },
        Some(0x30..=0x7e) => Escape {
            length: 2,
            style: None,
        },
        _ => Escape {
            length: 1,
            style: None,
        },
    }
}

fn control_sequence(bytes: &[u8]) -> Escape<'_> {
    let body = &bytes[2..];
    let end = body.iter().position(|byte| !(0x20..=0x3f).contains(byte));
    match end.map(|end| (end, body[end])) {
        Some((end, b'm')) => Escape {
            length: end + 3,
            style: Some(&body[..end]),
        },
        Some((end, 0x40..=0x7e)) => Escape {
            length: end + 3,
            style: None,
        },
        Some((end, _)) => Escape {
            length: end + 2,
            style: None,
        },
        None => Escape {
            length: bytes.len(),
            style: None,
        },
    }
}

/// Ends with BEL or ESC \; without an end, only its two first bytes go away.
fn string_sequence(bytes: &[u8]) -> usize {
    for (index, byte) in bytes.iter().copied().enumerate().skip(2) {
        match byte {
            BEL => return index + 1,
            ESC if bytes.get(index + 1) == Some(&b'\\') => return index + 2,
            ESC => return index,
            _ => {}
        }
    }
    2
}

/// Changes the style as the parameters of SGR say.
pub(super) fn apply(style: &mut Style, parameters: &[u8]) {
    if parameters
        .iter()
        .any(|byte| !byte.is_ascii_digit() && !matches!(byte, b';' | b':'))
    {
        return;
    }
    let mut numbers = parameters.split(|byte| matches!(byte, b';' | b':')).map(number);
    while let Some(code) = numbers.next() {
        match code {
            0 => *style = Style::default(),
            1 => style.bold = true,
            2 => style.dim = true,
            3 => style.italic = true,
            4 => style.underline = true,
            22 => (style.bold, style.dim) = (false, false),
            23 => style.italic = false,
            24 => style.underline = false,
            30..=37 => style.fg = Some(named(code - 30)),
            38 => style.fg = extended(&mut numbers).or(style.fg),
            39 => style.fg = None,
            40..=47 => style.bg = Some(named(code - 40)),
            48 => style.bg = extended(&mut numbers).or(style.bg),
            49 => style.bg = None,
            90..=97 => style.fg = Some(named(code - 90 + 8)),
            100..=107 => style.bg = Some(named(code - 100 + 8)),
            _ => {}
        }
    }
}

/// An empty parameter is 0; one that is too large means nothing.
fn number(digits: &[u8]) -> u16 {
    digits.iter().fold(0_u16, |sum, digit| {
        sum.saturating_mul(10).saturating_add(u16::from(digit - b'0'))
    })
}

fn named(index: u16) -> Color {
    Color::Named(u8::try_from(index).unwrap_or(7))
}

/// `5;index` or `2;red;green;blue`.
fn extended(numbers: &mut impl Iterator<Item = u16>) -> Option<Color> {
    match numbers.next()? {
        5 => u8::try_from(numbers.next()?).ok().map(palette),
        2 => {
            let mut part = || u8::try_from(numbers.next()?).ok();
            Some(Color::Rgb(part()?, part()?, part()?))
        }
        _ => None,
    }
}

/// The 256 colors of xterm: 16 named, a cube of 6 × 6 × 6, 24 grays.
fn palette(index: u8) -> Color {
    let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
    match index {
        0..=15 => Color::Named(index),
        16..=231 => {
            let cube = index - 16;
            Color::Rgb(level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232..=255 => {
            let gray = 8 + (index - 232) * 10;
            Color::Rgb(gray, gray, gray)
        }
    }
}
