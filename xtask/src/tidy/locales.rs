//! Both languages have the same keys, the same placeholders and no empty text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Finding;

const LOCALES: [&str; 2] = ["en", "zh-CN"];

/// Checks `app/locales/<locale>.json`, or `app/locales/<locale>/<namespace>.json` when there are namespaces.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let folder = root.join("app/locales");
    let [en, zh] = LOCALES.map(|locale| texts(&folder, locale));
    Ok(compare(&en?, &zh?))
}

fn texts(folder: &Path, locale: &str) -> Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    let single = folder.join(format!("{locale}.json"));
    if single.exists() {
        flatten("", &parse(&single)?, &mut texts);
    }
    for entry in fs::read_dir(folder.join(locale)).into_iter().flatten() {
        let file = entry?.path();
        if file.extension().is_some_and(|end| end == "json") {
            let namespace = file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            flatten(&namespace, &parse(&file)?, &mut texts);
        }
    }
    Ok(texts)
}

fn parse(file: &Path) -> Result<Value> {
    let text = fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))
}

fn flatten(prefix: &str, value: &Value, texts: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let path = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                flatten(&path, member, texts);
            }
        }
        Value::String(text) => drop(texts.insert(prefix.to_owned(), text.clone())),
        other => drop(texts.insert(prefix.to_owned(), other.to_string())),
    }
}

fn compare(en: &BTreeMap<String, String>, zh: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (key, english) in en {
        match zh.get(key) {
            None => findings.push(format!("`{key}` is missing in zh-CN")),
            Some(chinese) if placeholders(english) != placeholders(chinese) => {
                findings.push(format!("`{key}` has other placeholders in zh-CN than in en"));
            }
            Some(_) => {}
        }
    }
    findings.extend(
        zh.keys()
            .filter(|key| !en.contains_key(*key))
            .map(|key| format!("`{key}` is missing in en")),
    );
    for (locale, texts) in [("en", en), ("zh-CN", zh)] {
        // What stands before or after a date may be nothing, by the order of words.
        let around = |key: &str| key.ends_with("_before") || key.ends_with("_after");
        let empty = texts
            .iter()
            .filter(|(key, text)| text.trim().is_empty() && !around(key));
        findings.extend(empty.map(|(key, _)| format!("`{key}` is empty in {locale}")));
    }
    findings
}

/// The names in braces.
fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: &Value) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        flatten("", value, &mut texts);
        texts
    }

    #[test]
    fn keys_texts_and_placeholders_have_to_agree() {
        let en = map(&json!({ "run": { "title": "Run {n}", "stop": "Stop" } }));
        assert!(
            compare(
                &en,
                &map(&json!({ "run": { "title": "运行 {n}", "stop": "停止" } }))
            )
            .is_empty()
        );
        assert_eq!(
            compare(&en, &map(&json!({ "run": { "title": "运行 {n}" } }))).len(),
            1
        );
        assert_eq!(
            compare(&en, &map(&json!({ "run": { "title": "运行", "stop": "停止" } }))).len(),
            1
        );
        assert_eq!(
            compare(&en, &map(&json!({ "run": { "title": "运行 {n}", "stop": "" } }))).len(),
            1
        );
        let more = json!({ "run": { "title": "运行 {n}", "stop": "停止", "go": "走" } });
        assert_eq!(compare(&en, &map(&more)).len(), 1);
    }
}
