//! Mail: the server that it goes through, and the letters that Slipway writes.

mod letter;

pub use letter::{Invite, Letter, escaped, invitation, test};

use crate::org::OrgRef;
use crate::person;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// How many mails a person may have sent within an hour.
pub const PER_HOUR: i64 = 20;

/// The longest name of a host, in bytes (RFC 1035, 2.3.4).
const HOST_MAX: usize = 253;

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// By TLS from the first byte.
    Tls,
    /// By TLS once the server was asked for it; where it has none, nothing is sent.
    #[default]
    StartTls,
    /// Not at all.
    None,
}

impl Security {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Tls, Self::StartTls, Self::None];

    /// The word in forms, the configuration and the database.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::StartTls => "starttls",
            Self::None => "none",
        }
    }

    /// The way of that word.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.key() == key)
    }

    /// The port that servers of this way have, unless they say otherwise.
    pub const fn port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }

    /// For people.
    pub fn text(self) -> Text {
        match self {
            Self::Tls => Text::new("TLS from the start", "从一开始使用 TLS"),
            Self::StartTls => Text::new("STARTTLS, required", "必须使用 STARTTLS"),
            Self::None => Text::new("none: everything travels in the clear", "无：所有内容明文传输"),
        }
    }
}

/// Who mail comes from: an address, and a name before it where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// For people; empty: none.
    pub name: String,
    /// The address.
    pub address: String,
}

impl Sender {
    /// Reads `slipway@example.com` or `Slipway <slipway@example.com>`.
    ///
    /// # Errors
    /// It is neither; says what to write.
    pub fn parse(text: &str) -> Result<Self, Text> {
        let wrong = || {
            Text::new(
                "write slipway@example.com or Slipway <slipway@example.com>",
                "请填写 slipway@example.com 或 Slipway <slipway@example.com>",
            )
        };
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.split_once('<')) {
            Some((name, address)) => (name.trim().trim_matches('"').trim(), address),
            None => ("", text),
        };
        let name = match name {
            "" => String::new(),
            name if name.contains(['<', '>', '"', '\\']) => return Err(wrong()),
            name => person::name(name).map_err(|_| wrong())?,
        };
        match self::address(address) {
            Ok(Some(address)) => Ok(Self { name, address }),
            Ok(None) | Err(_) => Err(wrong()),
        }
    }

    /// As [`parse`](Self::parse) reads it.
    pub fn shown(&self) -> String {
        if self.name.is_empty() {
            self.address.clone()
        } else {
            format!("{} <{}>", self.name, self.address)
        }
    }
}

/// An address that mail goes to or comes from; `None` where nothing was typed. Letters beyond ASCII are not taken: few
/// mail servers know them.
///
/// # Errors
/// It is none that mail could be sent to.
pub fn address(text: &str) -> Result<Option<String>, Text> {
    match person::email(text)? {
        Some(address) if !address.is_ascii() => Err(Text::new(
            "write an address of ASCII letters, such as dora@example.com",
            "请填写仅含 ASCII 字符的邮箱地址，例如 dora@example.com",
        )),
        found => Ok(found),
    }
}

/// The host of a mail server: a name or an address, without a scheme and a port.
///
/// # Errors
/// It is none; says what to write.
pub fn host(text: &str) -> Result<String, Text> {
    let host = text.trim();
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let name = bare
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        && !bare.starts_with(['.', '-']);
    let address = bare.matches(':').count() >= 2
        && bare
            .chars()
            .all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.'));
    if !bare.is_empty() && bare.len() <= HOST_MAX && (name || address) {
        return Ok(bare.to_owned());
    }
    Err(Text::new(
        "write the host alone, as in smtp.example.com",
        "只需填写主机，例如 smtp.example.com",
    ))
}

/// The port that was typed; nothing: the one that `security` has.
///
/// # Errors
/// It is none.
pub fn port(text: &str, security: Security) -> Result<u16, Text> {
    match text.trim() {
        "" => Ok(security.port()),
        text => text.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
            Text::new(
                "use a number from 1 to 65535, or nothing",
                "请填写 1 到 65535 之间的数字，或留空",
            )
        }),
    }
}

/// A mail server as people see it: never its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailServer {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Who Slipway signs in as; empty: it does not.
    pub username: String,
    /// Who mail comes from.
    pub sender: Sender,
}

/// What the mail settings of an organization show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailSettings {
    /// Whose.
    pub org: OrgRef,
    /// The organization's own server; it wins.
    pub own: Option<MailServer>,
    /// Who mail comes from that goes through the operator's server, where there is one.
    pub operator: Option<Sender>,
    /// The reader's own address: where a test goes.
    pub address: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sender_has_an_address_and_perhaps_a_name() {
        let sender = |text: &str| Sender::parse(text).map(|s| (s.name, s.address));
        let whole = (String::from("Slipway"), String::from("a@example.com"));
        assert_eq!(
            sender(" a@example.com "),
            Ok((String::new(), String::from("a@example.com")))
        );
        assert_eq!(sender("Slipway <a@example.com>"), Ok(whole.clone()));
        assert_eq!(sender("\"Slipway\" <a@example.com>"), Ok(whole));
        for wrong in [
            "",
            "Slipway",
            "<>",
            "Slipway <a>",
            "A <a@b.c> <d@e.f>",
            "A < a@b.c >x",
            "a@b.c, d@e.f",
        ] {
            assert!(sender(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_host_stands_alone() {
        for good in ["smtp.example.com", "relay_1", "10.0.0.1", "::1", "[fd00::2]"] {
            assert!(host(good).is_ok(), "{good}");
        }
        assert_eq!(host(" [::1] "), Ok(String::from("::1")));
        for wrong in [
            "",
            "smtp://a",
            "a:25",
            "a/b",
            "a b",
            "a@b",
            "-a",
            "[x",
            "a\r\nb",
            "邮件.中国",
        ] {
            assert!(host(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_port_is_a_number_or_the_one_of_the_way() {
        assert_eq!(port(" ", Security::StartTls), Ok(587));
        assert_eq!(port(" 2525 ", Security::Tls), Ok(2525));
        for wrong in ["0", "65536", "-1", "smtp"] {
            assert!(port(wrong, Security::None).is_err(), "{wrong}");
        }
        for way in Security::ALL {
            assert_eq!(Security::from_key(way.key()), Some(way));
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_read_again_and_begins_no_other_header(text in "\\PC{0,40}|[ -~\r\n]{0,40}|[a-zA-Z \"]{0,9}<[a-z@.\r\n]{0,20}>") {
            if let Ok(sender) = Sender::parse(&text) {
                let shown = sender.shown();
                prop_assert!(!shown.contains(['\r', '\n']));
                prop_assert_eq!(Sender::parse(&shown), Ok(sender));
            }
        }
    }
}
