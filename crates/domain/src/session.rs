//! Sessions: where somebody is signed in.

use crate::time::{MINUTE, Timestamp};
use serde::{Deserialize, Serialize};

/// How long it counts that somebody proved who they are, in µs: what is hard to take back asks again after it.
pub const PROOF_LASTS: i64 = 15 * MINUTE;

/// The longest `User-Agent` that is kept, in characters.
pub const AGENT_MAX: usize = 256;

/// A session as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// What it is kept under: a hash of what the browser has, which signs nobody in.
    pub key: String,
    /// The program and the system, as in `Firefox, Linux`; `None`: it did not say, or in no way that is known.
    pub device: Option<String>,
    /// The address it was begun from.
    pub address: String,
    /// When it was begun.
    pub started_at: Timestamp,
    /// When it was last used, to about five minutes.
    pub seen_at: Timestamp,
    /// Whether it is the reader's own.
    pub current: bool,
}

/// Whether a proof of `proved_at` still counts.
pub const fn is_fresh(proved_at: Timestamp, now: Timestamp) -> bool {
    now.since(proved_at) < PROOF_LASTS
}

/// The program and the system that a `User-Agent` (RFC 9110, 10.1.5) names, as in `Firefox, Linux`.
pub fn device(agent: &str) -> Option<String> {
    // The first that fits: browsers name those they came from as well.
    const PROGRAMS: [(&str, &str); 9] = [
        ("MicroMessenger/", "WeChat"),
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let first = |known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(mark, _)| agent.contains(mark));
        found.map(|(_, name)| *name)
    };
    match (first(&PROGRAMS), first(&SYSTEMS)) {
        (Some(program), Some(system)) => Some(format!("{program}, {system}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_device_is_named_by_its_program_and_its_system() {
        let named = |agent: &str| device(agent).unwrap_or_default();
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36";
        assert_eq!(named(chrome), "Chrome, Linux");
        assert_eq!(named(&format!("{chrome} Edg/131.0")), "Edge, Linux");
        let phone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(named(phone), "Safari, iPhone");
        assert_eq!(named("curl/8.5.0"), "curl");
        assert_eq!(device("something else"), None);
    }

    proptest! {
        #[test]
        fn whatever_a_browser_says_only_known_names_are_shown(agent in ".{0,300}") {
            if let Some(name) = device(&agent) {
                prop_assert!(name.len() < 30 && name.is_ascii());
            }
        }

        #[test]
        fn a_proof_counts_for_its_time_and_not_longer(at in 0i64..1 << 50, later in 0i64..1 << 40) {
            let (at, now) = (Timestamp(at), Timestamp(at + later));
            prop_assert_eq!(is_fresh(at, now), later < PROOF_LASTS);
        }
    }
}
