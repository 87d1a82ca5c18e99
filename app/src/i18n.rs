//! The interface's words: keys checked at compile time, from `locales/<tag>/<noun>.json`.
//!
//! A page has one language from its first byte to its last: switching is a form post and a new page, so
//! words are plain strings, not signals.

#[expect(
    deprecated,
    reason = "the build-script form writes the same code to OUT_DIR; the macro needs no second crate"
)]
mod generated {
    leptos_i18n::load_locales!();
}

pub use generated::i18n::Locale as Words;
use slipway_domain::text::{Locale, Text};

/// The language of this page.
pub fn locale() -> Locale {
    #[cfg(feature = "ssr")]
    {
        leptos::prelude::use_context::<Locale>().unwrap_or_default()
    }
    #[cfg(not(feature = "ssr"))]
    {
        crate::browser::locale()
    }
}

/// The words of this page's language, for [`tr!`](crate::tr).
pub fn words() -> Words {
    match locale() {
        Locale::En => Words::en,
        Locale::ZhCn => Words::zh_CN,
    }
}

/// A text of the domain in this page's language.
pub fn say(text: &Text) -> String {
    text.get(locale()).to_owned()
}

/// `words` with every `{name}` replaced by its value.
///
/// Filling at run time keeps the builder that the library would generate for every key out of the WASM;
/// that calls and keys agree on the names is tested below.
pub fn fill(words: &str, values: &[(&str, &dyn std::fmt::Display)]) -> String {
    let mut filled = words.to_owned();
    for (name, value) in values {
        filled = filled.replace(&format!("{{{name}}}"), &value.to_string());
    }
    filled
}

/// The words for a key, as `tr!(home.title)` or `tr!(home.n_wait, n = 3)`, in this page's language.
#[macro_export]
macro_rules! tr {
    ($noun:ident . $key:ident) => {
        String::from(leptos_i18n::td_string!($crate::i18n::words(), $noun.$key))
    };
    ($noun:ident . $key:ident, $($name:ident = $value:expr),+ $(,)?) => {
        $crate::i18n::fill(
            leptos_i18n::td_string!($crate::i18n::words(), $noun.$key),
            &[$((stringify!($name), &$value)),+],
        )
    };
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    type Names = BTreeSet<String>;

    fn placeholders(words: &str) -> Names {
        words
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// Key → placeholders, of one language.
    fn keys(tag: &str) -> BTreeMap<String, Names> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales").join(tag);
        let mut keys = BTreeMap::new();
        for file in std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            let noun = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let words: BTreeMap<String, String> =
                serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            keys.extend(
                words
                    .into_iter()
                    .map(|(key, words)| (format!("{noun}.{key}"), placeholders(&words))),
            );
        }
        keys
    }

    fn sources(folder: &Path, all: &mut String) {
        for entry in std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            if entry.is_dir() {
                sources(&entry, all);
            } else if entry.file_name().is_some_and(|name| name != "i18n.rs") {
                all.push_str(&std::fs::read_to_string(entry).unwrap());
            }
        }
    }

    /// The inside of every `tr!(…)`.
    fn calls(source: &str) -> Vec<String> {
        source
            .split("tr!(")
            .skip(1)
            .map(|rest| {
                let mut open = 1;
                rest.chars()
                    .take_while(|c| {
                        open += i32::from(*c == '(') - i32::from(*c == ')');
                        open > 0
                    })
                    .collect()
            })
            .collect()
    }

    /// The names of the values of a call: words before a single `=` at the top level.
    fn given(call: &str) -> Names {
        let mut depth = 0;
        let mut parts = vec![String::new()];
        for c in call.chars() {
            depth += i32::from("([{".contains(c)) - i32::from(")]}".contains(c));
            if c == ',' && depth == 0 {
                parts.push(String::new());
            } else {
                parts.last_mut().unwrap().push(c);
            }
        }
        parts
            .iter()
            .skip(1)
            .filter_map(|part| part.split_once('='))
            .map(|(name, _)| name.trim().to_owned())
            .collect()
    }

    #[test]
    fn both_languages_have_the_same_keys_with_the_same_placeholders() {
        assert_eq!(keys("en"), keys("zh-CN"));
    }

    #[test]
    fn every_call_fills_exactly_the_placeholders_of_its_key() {
        let known = keys("en");
        let mut source = String::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut source);
        let calls = calls(&source);
        assert!(calls.len() > 100, "found only {} calls", calls.len());
        let mut used = BTreeSet::new();
        for call in &calls {
            let key = call.split(',').next().unwrap().trim();
            let wanted = known.get(key).unwrap_or_else(|| panic!("no words for {key}"));
            assert_eq!(&given(call), wanted, "tr!({call})");
            used.insert(key.to_owned());
        }
        let unused: Vec<_> = known.keys().filter(|key| !used.contains(*key)).collect();
        assert!(unused.is_empty(), "nobody says {unused:?}");
    }
}
