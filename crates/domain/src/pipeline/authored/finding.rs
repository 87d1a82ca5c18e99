//! What is wrong with a template's document, where, and what to do.

use serde::{Deserialize, Serialize};

use super::super::problem::Severity;
use crate::text::{Locale, Text};

/// A finding about a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateFinding {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How bad it is. With an error it cannot be published.
    pub severity: Severity,
    /// What is wrong.
    #[serde(flatten)]
    pub issue: TemplateIssue,
}

/// What is wrong with a document. The serialized `issue` is stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "issue", rename_all = "snake_case")]
pub enum TemplateIssue {
    /// Larger than [`LARGEST`](super::LARGEST).
    TooLarge,
    /// Not JSON.
    NotJson {
        /// What the reader says, in English.
        detail: String,
    },
    /// A part has another shape than it must.
    Shape {
        /// What the reader says, in English.
        detail: String,
    },
    /// A part that must be there is not.
    Missing {
        /// Its key.
        key: String,
    },
    /// A key that says nothing here.
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A key that stands twice; the last counts.
    Twice {
        /// The key.
        key: String,
    },
    /// `key` is not the template's own.
    OtherKey {
        /// The template's own.
        own: String,
    },
    /// A name that cannot be one.
    BadName {
        /// The name.
        name: String,
    },
    /// A name that stands before.
    TakenName {
        /// The name.
        name: String,
    },
    /// Something is named that is not there, or not yet.
    Unknown {
        /// What kind of thing it is.
        what: Text,
        /// Its name.
        name: String,
    },
    /// A default that the parameter itself would refuse.
    BadDefault {
        /// Why.
        why: Text,
    },
    /// A choice without choices.
    NoOptions,
    /// What the pipeline of this document has against it.
    Pipeline {
        /// The sentence.
        why: Text,
    },
}

impl TemplateFinding {
    /// The sentence for people, without the place.
    pub fn message(&self, locale: Locale) -> String {
        self.text().get(locale).to_owned()
    }

    /// The sentence for people, with the place.
    pub fn placed(&self) -> Text {
        let (line, column, text) = (self.line, self.column, self.text());
        Text::new(
            format!("Line {line}, column {column}: {}", text.en),
            format!("第 {line} 行第 {column} 列：{}", text.zh),
        )
    }

    fn text(&self) -> Text {
        match &self.issue {
            TemplateIssue::TooLarge => Text::new(
                "the document is larger than 256 KiB. Make it smaller.",
                "文档超过 256 KiB，请精简。",
            ),
            TemplateIssue::NotJson { detail } => Text::new(
                format!("this is not JSON ({detail}). Look at this line and the one before."),
                format!("这不是合法的 JSON（{detail}），请检查本行及上一行。"),
            ),
            TemplateIssue::Shape { detail } => Text::new(
                format!("this part is written in another way than it must be ({detail})."),
                format!("此处写法不符合要求（{detail}）。"),
            ),
            TemplateIssue::Missing { key } => Text::new(
                format!("“{key}” is missing. Add it."),
                format!("缺少“{key}”，请补上。"),
            ),
            TemplateIssue::UnknownKey { key } => Text::new(
                format!("“{key}” says nothing here. Remove it, or look how it is spelled."),
                format!("“{key}”在此处没有意义，请删除或检查拼写。"),
            ),
            TemplateIssue::Twice { key } => Text::new(
                format!("“{key}” stands twice; the last one counts. Remove one."),
                format!("“{key}”重复出现，以最后一个为准，请删除其一。"),
            ),
            TemplateIssue::OtherKey { own } => Text::new(
                format!("this template's key is “{own}” and stays. Write that, or leave it out."),
                format!("该模板的键是“{own}”，不可更改。请写此值或省略。"),
            ),
            TemplateIssue::BadName { name } => Text::new(
                format!("“{name}” cannot be a name here. Use letters, digits, “_” and “-”."),
                format!("“{name}”不能作为名称，请使用字母、数字、“_”和“-”。"),
            ),
            TemplateIssue::TakenName { name } => Text::new(
                format!("“{name}” stands above already. Choose another name."),
                format!("“{name}”已在上文出现，请换一个名称。"),
            ),
            TemplateIssue::Unknown { what, name } => Text::new(
                format!("there is no {} “{name}” above. Write one that is there.", what.en),
                format!("上文没有{}“{name}”，请改为已有的。", what.zh),
            ),
            TemplateIssue::BadDefault { why } => Text::new(
                format!("the default would be refused: {}", why.en),
                format!("默认值会被拒绝：{}", why.zh),
            ),
            TemplateIssue::NoOptions => Text::new(
                "a choice needs its options. Add “options”.",
                "选项类型需要候选项，请添加“options”。",
            ),
            TemplateIssue::Pipeline { why } => why.clone(),
        }
    }
}
