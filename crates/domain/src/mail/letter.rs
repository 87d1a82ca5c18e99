//! The words of the letters, in both languages, as plain text and as HTML.

use crate::text::{Locale, Text};
use crate::time::Timestamp;

/// A letter, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// In which language.
    pub locale: Locale,
    /// One line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as an HTML document.
    pub html: String,
}

/// What the letter of an invitation says.
#[derive(Clone, Copy, Debug)]
pub struct Invite<'a> {
    /// Who invites.
    pub by: &'a str,
    /// To what: the names of the place.
    pub place: &'a str,
    /// As what.
    pub role: &'a Text,
    /// Until when.
    pub until: Timestamp,
    /// Where it leads.
    pub link: &'a str,
}

/// `text` as it stands in HTML, also in an attribute.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// An instant to the minute, as in `2026-11-21 08:00 UTC`.
fn minute(at: Timestamp) -> String {
    let text = at.rfc3339();
    let day_and_time = text.get(..16).unwrap_or(&text).replace('T', " ");
    format!("{day_and_time} UTC")
}

/// The HTML document of some paragraphs, with a link after the first.
fn document(locale: Locale, paragraphs: &[&str], link: Option<(&str, &str)>) -> String {
    let mut body = String::new();
    for (number, paragraph) in paragraphs.iter().enumerate() {
        body += &["<p>", &escaped(paragraph), "</p>\n"].concat();
        if let (0, Some((href, words))) = (number, link) {
            let (href, words) = (escaped(href), escaped(words));
            body += &["<p><a href=\"", &href, "\">", &words, "</a><br>", &href, "</p>\n"].concat();
        }
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\"></head>\n<body>\n{body}</body>\n</html>\n",
        locale.tag()
    )
}

/// The letter that invites somebody.
pub fn invitation(locale: Locale, invite: &Invite<'_>) -> Letter {
    let Invite { by, place, link, .. } = *invite;
    let (role, until) = (invite.role.get(locale), minute(invite.until));
    let words = match locale {
        Locale::En => [
            format!("{by} invites you to {place}"),
            format!("{by} invites you to {place} in Slipway, as {role}."),
            String::from("Accept the invitation"),
            format!("The link works once, until {until}. Whoever has it can use it: do not pass it on."),
            String::from("If you do not know what this is about, you can forget this mail."),
        ],
        Locale::ZhCn => [
            format!("{by} 邀请你加入 {place}"),
            format!("{by} 邀请你以“{role}”身份加入 Slipway 中的 {place}。"),
            String::from("接受邀请"),
            format!("该链接只能使用一次，有效期至 {until}。持有链接者即可使用，请勿转发。"),
            String::from("如果你不清楚这封邮件的来由，可以忽略它。"),
        ],
    };
    let [subject, first, accept, terms, unknown] = words;
    Letter {
        locale,
        text: format!("{first}\n\n{link}\n\n{terms}\n\n{unknown}\n"),
        html: document(locale, &[&first, &terms, &unknown], Some((link, &accept))),
        subject,
    }
}

/// The letter that shows that mail arrives.
pub fn test(locale: Locale, by: &str, org: &str) -> Letter {
    let [subject, first] = match locale {
        Locale::En => [
            String::from("A test mail of Slipway"),
            format!("{by} tests the mail settings of {org} in Slipway. They work: this mail has arrived."),
        ],
        Locale::ZhCn => [
            String::from("Slipway 测试邮件"),
            format!("{by} 正在测试 Slipway 中 {org} 的邮件设置。收到本邮件即表示设置有效。"),
        ],
    };
    Letter {
        locale,
        text: format!("{first}\n"),
        html: document(locale, &[&first], None),
        subject,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(locale: Locale) -> Letter {
        invitation(
            locale,
            &Invite {
                by: "Ada <b>Okafor</b>",
                place: "Acme / R&D",
                role: &Text::new("developer", "开发者"),
                until: Timestamp::parse_rfc3339("2026-11-21T08:00:59Z").unwrap(),
                link: "https://slipway.example.com/join?token=a&b",
            },
        )
    }

    #[test]
    fn an_invitation_says_who_to_what_as_what_and_until_when() {
        let english = invite(Locale::En);
        for part in [
            "Ada",
            "Acme / R&D",
            "developer",
            "2026-11-21 08:00 UTC",
            "/join?token=a&b",
        ] {
            assert!(english.text.contains(part), "{part}: {}", english.text);
        }
        let chinese = invite(Locale::ZhCn);
        for part in [
            "Ada",
            "Acme / R&D",
            "开发者",
            "2026-11-21 08:00 UTC",
            "/join?token=a&b",
        ] {
            assert!(chinese.text.contains(part), "{part}: {}", chinese.text);
        }
        assert!(chinese.subject.contains("邀请") && chinese.html.contains("lang=\"zh-CN\""));
    }

    #[test]
    fn names_are_text_in_the_html() {
        let html = invite(Locale::En).html;
        assert!(html.contains("Ada &lt;b&gt;Okafor&lt;/b&gt;") && html.contains("R&amp;D"));
        assert!(html.contains("href=\"https://slipway.example.com/join?token=a&amp;b\""));
        assert!(!html.contains("<b>"));
    }
}
