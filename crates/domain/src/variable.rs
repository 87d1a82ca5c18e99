//! Variables: those that a run or a schedule is given, and those of a repository (GitLab's CI/CD variables), with
//! GitLab's rules about them. Slipway never keeps their values.

use crate::project::Place;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// GitLab's longest name of a variable.
const LONGEST_KEY: usize = 255;
/// The longest value that Slipway sends, in bytes.
const LONGEST_VALUE: usize = 64 * 1024;
/// GitLab's longest environment scope.
const LONGEST_SCOPE: usize = 255;
/// GitLab's longest description.
const LONGEST_DESCRIPTION: usize = 255;
/// The shortest value that GitLab masks.
const SHORTEST_MASKED: usize = 8;

/// How a job gets a variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VariableKind {
    /// As an environment variable.
    #[default]
    #[serde(rename = "env_var")]
    Env,
    /// As a file; the variable has its path.
    #[serde(rename = "file")]
    File,
}

impl VariableKind {
    /// GitLab's word.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Env => "env_var",
            Self::File => "file",
        }
    }

    /// Reads GitLab's word; what else there may be counts as an environment variable.
    pub fn from_key(key: &str) -> Self {
        if key == "file" { Self::File } else { Self::Env }
    }
}

/// A variable with its value, on its way to GitLab.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// How a job gets it.
    #[serde(default)]
    pub kind: VariableKind,
}

/// Without the value: it may be a secret.
impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variable")
            .field("key", &self.key)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Who sees the value of a variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Whoever reads logs, and GitLab's settings.
    #[default]
    Visible,
    /// Logs show `[MASKED]` in its place.
    Masked,
    /// Masked, and GitLab shows it to nobody again. Only a new variable can be made so.
    Hidden,
}

impl Visibility {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Visible, Self::Masked, Self::Hidden];

    /// The key of forms and the API.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Masked => "masked",
            Self::Hidden => "hidden",
        }
    }

    /// Reads the key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.key() == key)
    }
}

/// A variable of a repository, without its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableRow {
    /// Its name.
    pub key: String,
    /// The environments that get it: `*`, `production`, `review/*`.
    pub scope: String,
    /// How a job gets it.
    pub kind: VariableKind,
    /// Who sees its value.
    pub visibility: Visibility,
    /// Whether only protected branches and tags get it.
    pub protected: bool,
    /// Whether `$` in it is left as it is.
    pub raw: bool,
    /// What it is for.
    pub description: String,
}

/// What the page of a repository's variables shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableList {
    /// Where.
    pub place: Place,
    /// By name, then by scope.
    pub variables: Vec<VariableRow>,
    /// Names of environments, to be offered as scopes.
    pub scopes: Vec<String>,
    /// When GitLab said this.
    pub as_of: Option<Timestamp>,
    /// Why GitLab says nothing now.
    pub trouble: Option<Text>,
}

/// Whether GitLab takes `key` as a name.
///
/// # Errors
/// Why not.
pub fn check_key(key: &str) -> Result<(), Text> {
    let good = !key.is_empty()
        && key.len() <= LONGEST_KEY
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if good {
        return Ok(());
    }
    Err(Text::new(
        format!("“{key}” is no name of a variable: use up to 255 letters, digits and _"),
        format!("“{key}”不是合法的变量名，只能使用字母、数字和 _，最多 255 个"),
    ))
}

/// Whether a shell takes `key` as a name, as GitLab's runner hands it on.
///
/// # Errors
/// Why not.
pub fn check_run_key(key: &str) -> Result<(), Text> {
    check_key(key)?;
    if key.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Text::new(
            format!("“{key}” is no name of a variable: it begins with a digit"),
            format!("“{key}”不是合法的变量名，不能以数字开头"),
        ));
    }
    Ok(())
}

/// Whether GitLab takes `value` for a variable of this visibility: a masked value must be one that can be found in a
/// log.
///
/// # Errors
/// Why not, without the value.
pub fn check_value(value: &str, visibility: Visibility, raw: bool) -> Result<(), Text> {
    if value.len() > LONGEST_VALUE {
        return Err(Text::new("the value is longer than 64 KiB", "变量值超过 64 KiB"));
    }
    if visibility == Visibility::Visible {
        return Ok(());
    }
    if value.chars().any(char::is_whitespace) {
        return Err(Text::new(
            "a masked value is one line without spaces. Take them out, or make it visible",
            "需要屏蔽的值必须是不含空白的单行文本。请去掉空白，或改为可见",
        ));
    }
    if value.chars().count() < SHORTEST_MASKED {
        return Err(Text::new(
            "GitLab masks values of 8 characters and more. Use a longer one, or make it visible",
            "GitLab 只屏蔽 8 个字符及以上的值。请使用更长的值，或改为可见",
        ));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+=/@:.~-".contains(c);
    if !raw && !value.chars().all(plain) {
        return Err(Text::new(
            "a masked value that is expanded has only letters, digits and _ + = / @ : . ~ -. Switch expansion off to \
             mask other characters",
            "需要屏蔽且展开引用的值只能包含字母、数字和 _ + = / @ : . ~ -。关闭展开后可屏蔽其他字符",
        ));
    }
    Ok(())
}

/// Whether GitLab takes `scope` as environments.
///
/// # Errors
/// Why not.
pub fn check_scope(scope: &str) -> Result<(), Text> {
    let good = !scope.is_empty()
        && scope.len() <= LONGEST_SCOPE
        && scope
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-/${}. *".contains(c));
    if good {
        return Ok(());
    }
    Err(Text::new(
        "name an environment, or several as in review/*; * is all. Letters, digits and - _ / . * are taken",
        "请填写环境名，或用 review/* 表示一组，* 表示全部。可使用字母、数字和 - _ / . *",
    ))
}

/// Whether GitLab takes `description`.
///
/// # Errors
/// Why not.
pub fn check_description(description: &str) -> Result<(), Text> {
    if description.chars().count() <= LONGEST_DESCRIPTION {
        return Ok(());
    }
    Err(Text::new(
        "the description is longer than 255 characters",
        "描述超过 255 个字符",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// GitLab's two expressions for masked values, in words of their own.
        #[test]
        fn masked_values_are_those_that_gitlab_masks(value in "[a-zA-Z0-9_+=/@:.~ !$\u{e9}\n-]{0,12}") {
            let long = value.chars().count() >= 8;
            let solid = long && !value.contains([' ', '\n']);
            let plain = solid && !value.contains(['!', '$', '\u{e9}']);
            for hiding in [Visibility::Masked, Visibility::Hidden] {
                prop_assert_eq!(check_value(&value, hiding, true).is_ok(), solid);
                prop_assert_eq!(check_value(&value, hiding, false).is_ok(), plain);
            }
            prop_assert!(check_value(&value, Visibility::Visible, false).is_ok());
        }

        /// No refusal repeats the value.
        #[test]
        fn a_refusal_never_has_the_value(value in "[!-~]{1,7}[é!]{3}") {
            let refused = check_value(&value, Visibility::Masked, false).unwrap_err();
            prop_assert!(!refused.en.contains(&value) && !refused.zh.contains(&value));
        }
    }

    #[test]
    fn names_and_scopes_are_those_that_gitlab_takes() {
        assert!(check_key("DEPLOY_KEY").is_ok() && check_key("1A").is_ok());
        for wrong in ["", "A-B", "A B", "Ä", &"A".repeat(256)] {
            assert!(check_key(wrong).is_err(), "{wrong}");
        }
        assert!(check_run_key("1A").is_err() && check_run_key("_A1").is_ok());
        for scope in ["*", "production", "review/*", "a.b_c-d"] {
            assert!(check_scope(scope).is_ok(), "{scope}");
        }
        for wrong in ["", "a,b", "a\nb"] {
            assert!(check_scope(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_variable_is_printed_without_its_value() {
        let variable = Variable {
            key: String::from("KEY"),
            value: String::from("hush-hush"),
            kind: VariableKind::Env,
        };
        let printed = format!("{variable:?}");
        assert!(printed.contains("KEY") && !printed.contains("hush"));
    }
}
