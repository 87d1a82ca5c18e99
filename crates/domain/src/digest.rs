//! The daily digest: what of somebody's work is due, overdue or waits for them, in one mail a morning.

use crate::mail::{Letter, escaped};
use crate::text::Locale;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// From which hour of their day people have their digest.
pub const MORNING: i8 = 8;
/// How many days ahead something counts as due.
pub const AHEAD: i64 = 3;
/// How many lines a part of a digest has, at most.
const LINES: usize = 30;

/// Whether somebody wants a digest, and where their morning is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestSettings {
    /// Whether they want one.
    pub on: bool,
    /// The IANA zone of their days, as in `Asia/Shanghai`.
    pub zone: String,
    /// Whether mail can be sent to them: they have an address, and an organization of theirs has a mail server.
    pub possible: bool,
}

/// A line of a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestLine {
    /// What it is, as in `CHK-12 Refunds`.
    pub words: String,
    /// The day it is due, where it has one.
    pub due_on: Option<String>,
    /// Its page, from `/` on.
    pub path: String,
}

/// What a digest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// What is overdue.
    pub overdue: Vec<DigestLine>,
    /// What is due soon.
    pub due: Vec<DigestLine>,
    /// Approvals that wait for them.
    pub approvals: Vec<DigestLine>,
    /// Where they were mentioned and have not looked.
    pub mentions: Vec<DigestLine>,
}

impl Digest {
    /// Whether there is nothing to say: then nothing is sent.
    pub fn is_empty(&self) -> bool {
        [&self.overdue, &self.due, &self.approvals, &self.mentions]
            .iter()
            .all(|part| part.is_empty())
    }
}

/// The day in a zone for which a digest is to be sent at `now`: today, from [`MORNING`] on, unless `sent_on` is it.
pub fn due_day(now: Timestamp, zone: &jiff::tz::TimeZone, sent_on: Option<&str>) -> Option<String> {
    let local = jiff::Timestamp::from_microsecond(now.micros())
        .ok()?
        .to_zoned(zone.clone());
    let today = local.date().to_string();
    // A day is never sent after a later one: somebody who flies west has the same morning twice.
    (local.hour() >= MORNING && sent_on.is_none_or(|sent| sent < today.as_str())).then_some(today)
}

/// The letter of a digest; `base` is where people reach Slipway.
pub fn letter(locale: Locale, org: &str, digest: &Digest, base: &str) -> Letter {
    let say = |en: &str, zh: &str| match locale {
        Locale::En => en.to_owned(),
        Locale::ZhCn => zh.to_owned(),
    };
    let parts = [
        (say("Overdue", "已逾期"), &digest.overdue),
        (say("Due soon", "即将到期"), &digest.due),
        (say("Waits for your approval", "等待你审批"), &digest.approvals),
        (say("Mentions of you", "提到你的"), &digest.mentions),
    ];
    let subject = match locale {
        Locale::En => format!(
            "Slipway, {org}: {} overdue, {} due, {} to approve",
            digest.overdue.len(),
            digest.due.len(),
            digest.approvals.len()
        ),
        Locale::ZhCn => format!(
            "Slipway，{org}：{} 项逾期，{} 项即将到期，{} 项待审批",
            digest.overdue.len(),
            digest.due.len(),
            digest.approvals.len()
        ),
    };
    let (mut text, mut html) = (String::new(), String::new());
    for (name, lines) in parts.iter().filter(|(_, lines)| !lines.is_empty()) {
        let _ = writeln!(text, "{name} ({})", lines.len());
        let _ = writeln!(html, "<h2>{} ({})</h2>\n<ul>", escaped(name), lines.len());
        for line in lines.iter().take(LINES) {
            let due = line
                .due_on
                .as_ref()
                .map(|day| format!(" ({day})"))
                .unwrap_or_default();
            let link = format!("{base}{}", line.path);
            let _ = writeln!(text, "- {}{due}\n  {link}", line.words);
            let _ = writeln!(
                html,
                "<li><a href=\"{}\">{}</a>{}</li>",
                escaped(&link),
                escaped(&line.words),
                escaped(&due)
            );
        }
        text.push('\n');
        html += "</ul>\n";
    }
    let settings = format!("{base}/notifications/settings");
    let end = say(
        "You have this mail once a day because you asked for it. Change that here:",
        "你订阅了每日摘要，因此每天收到一封邮件。可在此更改：",
    );
    let _ = writeln!(text, "{end}\n{settings}");
    let _ = writeln!(
        html,
        "<p>{}<br><a href=\"{1}\">{1}</a></p>",
        escaped(&end),
        escaped(&settings)
    );
    Letter {
        locale,
        subject,
        text,
        html: format!(
            "<!DOCTYPE html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\"></head>\n<body>\n{html}</body>\n</html>\n",
            locale.tag()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{HOUR, MINUTE};
    use proptest::prelude::*;

    #[test]
    fn a_morning_is_where_somebody_is() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        let zone = |name: &str| jiff::tz::TimeZone::get(name).unwrap();
        let (shanghai, utc) = (zone("Asia/Shanghai"), jiff::tz::TimeZone::UTC);
        assert_eq!(
            due_day(at("2026-01-01T00:00:00Z"), &shanghai, None).as_deref(),
            Some("2026-01-01")
        );
        assert_eq!(due_day(at("2025-12-31T23:59:59Z"), &shanghai, None), None);
        assert_eq!(due_day(at("2026-01-01T07:59:59Z"), &utc, None), None);
        assert_eq!(
            due_day(at("2026-01-01T08:00:00Z"), &utc, Some("2026-01-01")),
            None
        );
        assert_eq!(
            due_day(at("2026-01-02T08:00:00Z"), &utc, Some("2026-01-01")).as_deref(),
            Some("2026-01-02")
        );
    }

    #[test]
    fn what_people_wrote_is_no_markup_in_a_letter() {
        let line = DigestLine {
            words: String::from("CHK-1 <script>alert(1)</script>"),
            due_on: Some(String::from("2026-01-01")),
            path: String::from("/orgs/a/projects/b/items/CHK-1"),
        };
        let digest = Digest {
            overdue: vec![line],
            ..Digest::default()
        };
        for locale in [Locale::En, Locale::ZhCn] {
            let letter = letter(
                locale,
                "Acme\r\nBcc: x@example.com",
                &digest,
                "https://slipway.example.com",
            );
            assert!(
                !letter.html.contains("<script") && letter.html.contains("&lt;script"),
                "{}",
                letter.html
            );
            assert!(
                letter
                    .text
                    .contains("https://slipway.example.com/orgs/a/projects/b/items/CHK-1")
            );
        }
        assert!(Digest::default().is_empty());
    }

    proptest! {
        #[test]
        fn whoever_is_looked_at_often_has_one_a_day(steps in proptest::collection::vec(MINUTE..9 * HOUR, 1..200)) {
            let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
            let mut now = Timestamp::parse_rfc3339("2026-03-20T00:00:00Z").unwrap();
            let (mut sent, mut days) = (None::<String>, Vec::new());
            for step in steps {
                now = now.plus(step);
                if let Some(day) = due_day(now, &zone, sent.as_deref()) {
                    days.push(day.clone());
                    sent = Some(day);
                }
            }
            let mut distinct = days.clone();
            distinct.dedup();
            prop_assert_eq!(&days, &distinct);
            let mut sorted = days.clone();
            sorted.sort();
            prop_assert_eq!(days, sorted);
        }
    }
}
