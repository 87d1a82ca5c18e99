//! What people write into work items is text, wherever it is shown, and no formula where it is exported.

use crate::scene::Scene;
use slipway_domain::intake::Source;
use slipway_domain::item::{ItemKind, Relation};
use slipway_portal::item::{self, Base, Edit, IterationInput, NewItem};
use slipway_portal::{attachment, intake, jobs};

const ORG: &str = "acme";
const PROJECT: &str = "checkout";

/// What a browser would run if it took it for markup.
const EVIL: &str = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'`";
/// The same in Markdown, with links and pictures that would run something.
const EVIL_TEXT: &str = "# <script>alert(2)</script>\n\n<img src=x onerror=alert(1)>\n\n[a](javascript:alert(3)) \
    ![b](javascript:alert(4)) <a href=\"javascript:alert(5)\" onclick=\"alert(6)\">c</a>\n\n\
    <svg onload=alert(7)></svg>\n\n| <b onmouseover=alert(8)> |\n|---|\n\n```html\n<script>alert(9)</script>\n```\n";

/// A tag without the values of its attributes.
fn outside_of_quotes(tag: &str) -> String {
    let mut quote = None;
    let mut plain = String::new();
    for letter in tag.chars() {
        match quote {
            Some(open) if open == letter => quote = None,
            Some(_) => {}
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None => plain.push(letter),
        }
    }
    plain
}

/// Whether a page has any of it as markup.
fn is_safe(page: &str) -> Result<(), String> {
    let lower = page.to_lowercase();
    for tag in ["<img src=x", "<script>alert", "<svg onload", "<b onmouseover"] {
        if let Some(at) = lower.find(tag) {
            let from = lower[..at]
                .char_indices()
                .rev()
                .nth(80)
                .map_or(0, |(index, _)| index);
            return Err(format!("{tag} in …{}", &lower[from..(at + tag.len())]));
        }
    }
    // Attributes that would run: between a `<` and a `>` of markup.
    let mut rest = lower.as_str();
    while let Some(open) = rest.find('<') {
        let close = rest[open..].find('>').map_or(rest.len(), |close| open + close);
        let tag = &rest[open..close];
        if ["href=\"javascript:", "src=\"javascript:"]
            .iter()
            .any(|one| tag.contains(one))
        {
            return Err(format!("an address that runs: {tag}"));
        }
        let plain = outside_of_quotes(tag);
        if [" onerror=", " onclick=", " onload=", " onmouseover="]
            .iter()
            .any(|one| plain.contains(one))
        {
            return Err(format!("an attribute that runs: {tag}"));
        }
        rest = &rest[close..];
    }
    Ok(())
}

#[tokio::test]
async fn every_text_of_an_item_is_shown_as_text() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let lead = scene.ctx("devon");
    let days = |name: &str| IterationInput {
        name: name.to_owned(),
        goal: EVIL.to_owned(),
        starts_on: String::from("2026-01-05"),
        ends_on: String::from("2026-01-16"),
    };
    let running = item::start_iteration(&lead, ORG, PROJECT, days(EVIL)).await;
    let new = NewItem {
        description: EVIL_TEXT.to_owned(),
        into_iteration: running.is_ok(),
        ..NewItem::titled(ItemKind::Bug, EVIL)
    };
    let number = item::create(&lead, ORG, PROJECT, new).await.unwrap();
    let edit = Edit {
        labels: Some(format!("=cmd, {}", &EVIL[..28])),
        ..Edit::default()
    };
    item::update(&lead, ORG, PROJECT, number, edit, Base::Any)
        .await
        .unwrap();
    item::add_comment(&lead, ORG, PROJECT, number, EVIL_TEXT)
        .await
        .unwrap();
    attachment::add(&lead, ORG, PROJECT, number, (EVIL, EVIL.as_bytes()))
        .await
        .unwrap();
    let other = item::create(
        &lead,
        ORG,
        PROJECT,
        NewItem::titled(ItemKind::Task, format!("=1+1{EVIL}")),
    )
    .await
    .unwrap();
    let key = format!("CHK-{other}");
    item::link(&lead, ORG, PROJECT, number, (Relation::Blocks, &key, true))
        .await
        .unwrap();
    let cells = format!(
        "key,title,type,description\n\"{0}\",\"{0}\",\"{0}\",\"{1}\"\nX-2,\"'=2+2{0}\",task,\"{1}\"\n",
        EVIL.replace('"', "\"\""),
        EVIL_TEXT.replace('"', "\"\"")
    );
    let import = intake::begin(&lead, ORG, PROJECT, Source::Csv, (EVIL, cells.as_bytes()))
        .await
        .unwrap();
    let cookie = scene.session("devon").await;
    let base = "/orgs/acme/projects/checkout";
    let prepared = scene
        .page(&format!("{base}/items/import/{import}"), Some(&cookie))
        .await;
    assert!(
        prepared.body.contains("nobody knows what"),
        "its words are asked for"
    );
    is_safe(&prepared.body).unwrap();
    intake::start(&lead, ORG, PROJECT, import, None).await.unwrap();
    while jobs::step(&scene.portal, "test").await.unwrap() {}
    let pages = [
        format!("{base}/items/{number}"),
        format!("{base}/items/{number}/edit"),
        format!("{base}/items/{other}"),
        format!("{base}/board"),
        format!("{base}/bugs"),
        format!("{base}/backlog"),
        format!("{base}/iterations"),
        format!("{base}/iterations/1"),
        format!("{base}/insights"),
        format!("{base}/insights/stream"),
        format!("{base}/items/import"),
        format!("{base}/items/import/{import}"),
        String::from("/search?q=script"),
        String::from("/notifications"),
    ];
    for path in pages {
        let answer = scene.page(&path, Some(&cookie)).await;
        assert_eq!(answer.status, 200, "{path}");
        is_safe(&answer.body).unwrap_or_else(|what| panic!("{path}: {what}"));
    }
    let export = scene
        .get("/api/v1/orgs/acme/projects/checkout/items-export", Some(&cookie))
        .await
        .body;
    for line in export.lines().skip(1) {
        for start in [",=", ",\"=", ",+", ",@", ",\"@"] {
            assert!(!line.contains(start), "{line}");
        }
    }
    assert!(export.contains("'=1+1") && export.contains("'=2+2"), "{export}");
}

#[test]
fn the_check_itself_finds_what_runs() {
    for evil in [
        EVIL,
        "<p onclick=alert(1)>",
        "<a class=\"x\" onclick=\"y\">",
        "<a href=\"javascript:1\">",
    ] {
        assert!(is_safe(evil).is_err(), "{evil}");
    }
    is_safe("<p title=\"a onclick=b\">&lt;img src=x onerror=alert(1)&gt;</p>").unwrap();
}
