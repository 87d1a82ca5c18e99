//! What a form says about a field.

use serde::{Deserialize, Serialize};

use super::param::Pattern;
use crate::text::Locale;

/// What is wrong with a value. The serialized `code` is stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum FieldMessage {
    /// Nothing was given.
    Required,
    /// Not a whole number.
    NotANumber,
    /// Below the smallest number.
    TooSmall {
        /// The smallest.
        min: i64,
    },
    /// Above the largest number.
    TooLarge {
        /// The largest.
        max: i64,
    },
    /// Too few characters or items.
    TooShort {
        /// The fewest.
        min: i64,
    },
    /// Too many characters or items.
    TooLong {
        /// The most.
        max: i64,
    },
    /// Not one of the options.
    NotAnOption {
        /// The options.
        options: String,
    },
    /// Neither yes nor no.
    NotASwitch,
    /// Several lines where one is asked for, or a character that cannot be printed.
    NotOneLine,
    /// Not of the shape.
    NotOfPattern {
        /// The shape.
        pattern: Pattern,
    },
    /// A line without `=`, or a bad name before it.
    NotAPair {
        /// The line, from 1.
        line: usize,
    },
    /// Not a duration.
    NotADuration,
    /// Not a cron expression.
    NotACron,
    /// Not an image reference.
    NotAnImage,
    /// Absolute, or outside of the repository.
    NotARelativePath,
    /// Not a variable's name.
    NotAVariableName,
    /// A value of another kind.
    WrongKind,
    /// The template has no such parameter.
    Unknown,
}

impl FieldMessage {
    /// The sentence for people.
    pub fn text(&self, locale: Locale) -> String {
        match locale {
            Locale::ZhCn => self.zh(),
            Locale::En => self.en(),
        }
    }

    fn zh(&self) -> String {
        match self {
            Self::Required => "此项必填。".into(),
            Self::NotANumber => "请填写整数。".into(),
            Self::TooSmall { min } => format!("不能小于 {min}。"),
            Self::TooLarge { max } => format!("不能大于 {max}。"),
            Self::TooShort { min } => format!("至少需要 {min} 个。"),
            Self::TooLong { max } => format!("最多 {max} 个。"),
            Self::NotAnOption { options } => format!("请从以下选项中选择：{options}。"),
            Self::NotASwitch => "请选择是或否。".into(),
            Self::NotOneLine => "只能填写一行，且不能包含控制字符。".into(),
            Self::NotOfPattern { pattern } => match pattern {
                Pattern::Slug => "以小写字母或数字开头，只能包含小写字母、数字、“.”“_”“-”。".into(),
                Pattern::VariableName => "只能包含字母、数字和下划线，且不能以数字开头。".into(),
                Pattern::Version => "请填写版本，例如 22 或 3.13。".into(),
                Pattern::Glob => "请填写仓库内的路径或通配符，不含空格。".into(),
            },
            Self::NotAPair { line } => format!("第 {line} 行应为“名称=值”。"),
            Self::NotADuration => "请填写时长，例如 30 minutes 或 1h 30m。".into(),
            Self::NotACron => "请填写五段 cron 表达式，例如 0 4 * * 1-5。".into(),
            Self::NotAnImage => "请填写镜像引用，例如 node:22 或 registry.example.com/team/app:1.0。".into(),
            Self::NotARelativePath => "请填写仓库内的相对路径，不能以“/”开头，也不能包含“..”。".into(),
            Self::NotAVariableName => "请填写 CI/CD 变量的名称，而不是它的值。".into(),
            Self::WrongKind => "值的类型不正确。".into(),
            Self::Unknown => "模板没有这个参数。".into(),
        }
    }

    fn en(&self) -> String {
        match self {
            Self::Required => "Fill this in.".into(),
            Self::NotANumber => "Write a whole number.".into(),
            Self::TooSmall { min } => format!("Must be {min} or more."),
            Self::TooLarge { max } => format!("Must be {max} or less."),
            Self::TooShort { min } => format!("Needs {min} or more."),
            Self::TooLong { max } => format!("At most {max}."),
            Self::NotAnOption { options } => format!("Choose one of: {options}."),
            Self::NotASwitch => "Choose yes or no.".into(),
            Self::NotOneLine => "Write one line, without control characters.".into(),
            Self::NotOfPattern { pattern } => match pattern {
                Pattern::Slug => {
                    "Start with a lower-case letter or a digit; then letters, digits, “.”, “_”, “-”.".into()
                }
                Pattern::VariableName => "Use letters, digits and underscores, no digit first.".into(),
                Pattern::Version => "Write a version, such as 22 or 3.13.".into(),
                Pattern::Glob => "Write a path or pattern inside the repository, without spaces.".into(),
            },
            Self::NotAPair { line } => format!("Line {line} must read NAME=value."),
            Self::NotADuration => "Write a duration, such as 30 minutes or 1h 30m.".into(),
            Self::NotACron => "Write five cron fields, such as 0 4 * * 1-5.".into(),
            Self::NotAnImage => {
                "Write an image, such as node:22 or registry.example.com/team/app:1.0.".into()
            }
            Self::NotARelativePath => "Write a path inside the repository: no leading “/”, no “..”.".into(),
            Self::NotAVariableName => "Write the name of a CI/CD variable, not its value.".into(),
            Self::WrongKind => "The value is of another kind.".into(),
            Self::Unknown => "The template has no such parameter.".into(),
        }
    }
}

/// A parameter whose value is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The parameter's id.
    pub param: String,
    /// What is wrong.
    #[serde(flatten)]
    pub message: FieldMessage,
}
