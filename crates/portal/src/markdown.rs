//! Markdown as people write it into work items, to HTML that can do no harm.
//!
//! HTML that is written into the Markdown is shown as it was typed. What comes out is cleaned once more by a list of
//! what may stand in it, so that a mistake in one of the two lets nothing through.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};
use slipway_domain::person::PersonRef;
use std::collections::{HashMap, HashSet};

/// What the text stands in.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The path of the project, as in `/orgs/acme/projects/checkout`.
    pub base: &'a str,
    /// The key of its items, as in `CHK`.
    pub key: &'a str,
    /// Who can be mentioned.
    pub people: &'a [PersonRef],
}

/// The HTML of `source`. `CHK-12` becomes a link to that item, a commit's hash a link to a search for it, and `@ada` a
/// mention where somebody here is called so.
pub fn render(source: &str, around: Around<'_>) -> String {
    let events = linked(parsed(source), around);
    let mut html = String::with_capacity(source.len() * 3 / 2);
    pulldown_cmark::html::push_html(&mut html, events.into_iter());
    cleaner().clean(&html).to_string()
}

/// Who of `people` is mentioned in `source`, each once; code mentions nobody.
pub fn mentioned<'a>(source: &str, people: &'a [PersonRef]) -> Vec<&'a PersonRef> {
    let by_name: HashMap<&str, &PersonRef> = people.iter().map(|p| (p.username.as_str(), p)).collect();
    let mut found = Vec::new();
    for text in texts(&parsed(source)) {
        for token in tokens(&text) {
            if let Token::Mention(name) = token
                && let Some(person) = by_name.get(name)
                && !found.contains(person)
            {
                found.push(*person);
            }
        }
    }
    found
}

fn parsed(source: &str) -> Vec<Event<'_>> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut events: Vec<Event<'_>> = Vec::new();
    for event in Parser::new_ext(source, options) {
        let event = match event {
            // What was typed, not what a browser would make of it.
            Event::Html(html) | Event::InlineHtml(html) => Event::Text(html),
            Event::TaskListMarker(done) => Event::Text(CowStr::Borrowed(if done { "☑ " } else { "☐ " })),
            // Pictures from elsewhere would tell others who reads this.
            Event::Start(Tag::Image {
                link_type,
                dest_url,
                title,
                id,
            }) => Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }),
            Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
            other => other,
        };
        // A text comes in pieces: at `_` and `@`, say. Names are found in the whole.
        match (events.last_mut(), event) {
            (Some(Event::Text(before)), Event::Text(more)) => {
                *before = CowStr::from(format!("{before}{more}"));
            }
            (_, event) => events.push(event),
        }
    }
    events
}

/// Whether what begins or ends here is shown as it is: code and links.
const fn verbatim(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::CodeBlock(_) | Tag::Link { .. })
}

fn texts(events: &[Event<'_>]) -> Vec<String> {
    let (mut inside, mut texts) = (0_u32, Vec::new());
    for event in events {
        match event {
            Event::Start(tag) if verbatim(tag) => inside += 1,
            Event::End(TagEnd::CodeBlock | TagEnd::Link) => inside = inside.saturating_sub(1),
            Event::Text(text) if inside == 0 => texts.push(text.to_string()),
            _ => {}
        }
    }
    texts
}

fn linked<'a>(events: Vec<Event<'a>>, around: Around<'_>) -> Vec<Event<'a>> {
    let names: HashSet<&str> = around.people.iter().map(|p| p.username.as_str()).collect();
    let (mut inside, mut shown) = (0_u32, Vec::with_capacity(events.len()));
    for event in events {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                inside += 1;
                // The first word alone: what stands behind it is not for a class.
                let word = language.split_whitespace().next().unwrap_or_default().to_owned();
                shown.push(Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(CowStr::from(
                    word,
                )))));
            }
            Event::Start(tag) => {
                inside += u32::from(verbatim(&tag));
                shown.push(Event::Start(tag));
            }
            Event::End(tag) => {
                if matches!(tag, TagEnd::CodeBlock | TagEnd::Link) {
                    inside = inside.saturating_sub(1);
                }
                shown.push(Event::End(tag));
            }
            Event::Text(text) if inside == 0 => {
                for token in tokens(&text) {
                    shown.push(match token {
                        Token::Item(key) if is_key(key, around.key) => {
                            link(&format!("{}/items/{key}", around.base), key)
                        }
                        Token::Commit(sha) => link(&format!("/search?q={sha}"), sha),
                        Token::Mention(name) if names.contains(name) => Event::InlineHtml(CowStr::from(
                            format!("<span class=\"mention\">@{}</span>", escaped(name)),
                        )),
                        Token::Mention(name) => Event::Text(CowStr::from(format!("@{name}"))),
                        Token::Item(text) | Token::Plain(text) => Event::Text(CowStr::from(text.to_owned())),
                    });
                }
            }
            other => shown.push(other),
        }
    }
    shown
}

fn link<'a>(to: &str, words: &str) -> Event<'a> {
    Event::InlineHtml(CowStr::from(format!(
        "<a href=\"{}\">{}</a>",
        escaped(to),
        escaped(words)
    )))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn is_key(token: &str, key: &str) -> bool {
    token
        .strip_prefix(key)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|number| number.parse::<u32>().is_ok())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Plain(&'a str),
    /// As in `CHK-12`; of whichever project.
    Item(&'a str),
    /// At least seven hexadecimal digits, letters and numbers among them.
    Commit(&'a str),
    /// Without the `@`.
    Mention(&'a str),
}

const fn of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// The words of `text` that mean something, and what stands between them.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut plain, mut at) = (Vec::new(), 0, 0);
    while let Some(c) = text[at..].chars().next() {
        let mention = c == '@';
        if !mention && !of_word(c) {
            at += c.len_utf8();
            continue;
        }
        let begins = at + usize::from(mention);
        let word = text[begins..]
            .find(|c: char| !of_word(c))
            .map_or(&text[begins..], |end| &text[begins..begins + end])
            .trim_end_matches(['.', '-', '_']);
        let ends = begins + word.len();
        // `a@b` is an address; Chinese has no spaces between words.
        let joined = text[..at]
            .chars()
            .next_back()
            .is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '@'));
        let token = match word {
            "" => None,
            _ if joined => None,
            name if mention => Some(Token::Mention(name)),
            key if is_item(key) => Some(Token::Item(key)),
            sha if is_commit(sha) => Some(Token::Commit(sha)),
            _ => None,
        };
        if let Some(token) = token {
            if plain < at {
                tokens.push(Token::Plain(&text[plain..at]));
            }
            tokens.push(token);
            plain = ends;
        }
        at = ends.max(at + c.len_utf8());
    }
    if plain < text.len() {
        tokens.push(Token::Plain(&text[plain..]));
    }
    tokens
}

fn is_item(word: &str) -> bool {
    word.split_once('-').is_some_and(|(key, number)| {
        key.starts_with(|c: char| c.is_ascii_uppercase())
            && key.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
            && !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
    })
}

fn is_commit(word: &str) -> bool {
    (7..=40).contains(&word.len())
        && word.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
        && word.contains(|c: char| c.is_ascii_digit())
        && word.contains(|c: char| c.is_ascii_lowercase())
}

/// What may stand in the HTML.
fn cleaner() -> ammonia::Builder<'static> {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .tags(HashSet::from([
            "a",
            "blockquote",
            "br",
            "code",
            "del",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "li",
            "ol",
            "p",
            "pre",
            "span",
            "strong",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "tr",
            "ul",
        ]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            ("ol", HashSet::from(["start"])),
        ]))
        .generic_attributes(HashSet::new())
        .allowed_classes(HashMap::from([("span", HashSet::from(["mention"]))]))
        // What is wider than its place is scrolled, by keyboard too.
        .set_tag_attribute_value("pre", "tabindex", "0")
        .set_tag_attribute_value("table", "tabindex", "0")
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(Some("noopener noreferrer nofollow"));
    cleaner
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::id::{TypedId, UserId};

    fn person(name: &str) -> PersonRef {
        PersonRef {
            id: UserId::from_uuid(uuid::Uuid::nil()),
            username: name.to_owned(),
            name: name.to_owned(),
        }
    }

    fn html(source: &str) -> String {
        let people = [person("ada"), person("dora-d")];
        let around = Around {
            base: "/orgs/acme/projects/checkout",
            key: "CHK",
            people: &people,
        };
        render(source, around)
    }

    #[test]
    fn what_people_write_is_shown_as_they_mean_it() {
        let table = html("| a | b |\n|---|---|\n| 1 | `x` |");
        assert!(
            table.contains("<table tabindex=\"0\">") && table.contains("<td><code>x</code></td>"),
            "{table}"
        );
        assert_eq!(
            html("- [x] done\n- [ ] not"),
            "<ul>\n<li>☑ done</li>\n<li>☐ not</li>\n</ul>\n"
        );
        assert_eq!(
            html("```rust\nlet a = 1 < 2;\n```"),
            "<pre tabindex=\"0\"><code>let a = 1 &lt; 2;\n</code></pre>\n"
        );
        assert_eq!(
            html("~~no~~ **yes**"),
            "<p><del>no</del> <strong>yes</strong></p>\n"
        );
    }

    #[test]
    fn names_of_items_commits_and_people_become_links() {
        let rel = r#" rel="noopener noreferrer nofollow""#;
        assert_eq!(
            html("See CHK-12, not OPS-3."),
            format!(
                "<p>See <a href=\"/orgs/acme/projects/checkout/items/CHK-12\"{rel}>CHK-12</a>, not OPS-3.</p>\n"
            )
        );
        assert_eq!(
            html("since 1f2e3d4c"),
            format!("<p>since <a href=\"/search?q=1f2e3d4c\"{rel}>1f2e3d4c</a></p>\n")
        );
        assert_eq!(
            html("@ada and @nobody, a@ada.org, @dora-d."),
            "<p><span class=\"mention\">@ada</span> and @nobody, a@ada.org, <span class=\"mention\">@dora-d</span>.</p>\n"
        );
        assert_eq!(
            html("`CHK-12 @ada 1f2e3d4c`"),
            "<p><code>CHK-12 @ada 1f2e3d4c</code></p>\n"
        );
        assert_eq!(
            html("请@ada看 1234567"),
            "<p>请<span class=\"mention\">@ada</span>看 1234567</p>\n"
        );
    }

    #[test]
    fn whoever_is_mentioned_is_found_once_and_not_in_code() {
        let people = [person("ada"), person("dora-d")];
        let found = |source| {
            mentioned(source, &people)
                .iter()
                .map(|p| p.username.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(found("@dora-d @ada @dora-d `@ada`"), ["dora-d", "ada"]);
        assert_eq!(found("```\n@ada\n```"), Vec::<String>::new());
    }

    #[test]
    fn nothing_that_is_written_runs() {
        for bad in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt&colon;alert(1))",
            "![x](javascript:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<svg><script>alert(1)</script></svg>",
            "<math><mtext></table><img src onerror=alert(1)>",
            "[x](https://a.example \"\\\" onmouseover=alert(1) x=\\\"\")",
            "```\"><script>alert(1)</script>\nx\n```",
            "<iframe srcdoc='<script>alert(1)</script>'>",
            "<style>*{display:none}</style>",
            "<form action=/api/fn/x><button>go</button></form>",
            "[x]: javascript:alert(1)\n\n[x]",
            "<!--><script>alert(1)</script>-->",
            "`<script>alert(1)</script>`",
            "CHK-1\"><script>alert(1)</script>",
            "@ada\"><script>alert(1)</script>",
        ] {
            let html = html(bad);
            let lower = html.to_ascii_lowercase();
            for tag in [
                "<script", "<img", "<svg", "<math", "<iframe", "<style", "<form", "<button", "<!--",
            ] {
                assert!(!lower.contains(tag), "{bad} → {html}");
            }
            let inside_tags = lower.split('<').skip(1).filter_map(|tag| tag.split('>').next());
            for tag in inside_tags {
                // What stands between quotes is a value.
                let names: String = tag.split('"').step_by(2).collect();
                assert!(!names.contains(" on"), "{bad} → {html}");
                assert!(
                    !tag.contains("javascript:") && !tag.contains("data:"),
                    "{bad} → {html}"
                );
            }
        }
        let shown = html("<b onclick=x>bold</b>");
        assert_eq!(shown, "<p>&lt;b onclick=x&gt;bold&lt;/b&gt;</p>\n");
        let picture = html("![logo](https://a.example/p.png)");
        assert!(
            picture.starts_with("<p><a href=\"https://a.example/p.png\""),
            "{picture}"
        );
    }
}
