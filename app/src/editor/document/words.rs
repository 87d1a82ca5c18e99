//! Lists of things as texts that people write: conditions, and the options of a parameter.

use crate::tr;
use slipway_domain::pipeline::{Choice, Condition, Param, ParamKind, Value};
use slipway_domain::text::Text;

/// Conditions, one a line: `name`, `!name`, `name = a, b`, `name != a, b`.
pub fn conditions_text(conditions: &[Condition]) -> String {
    let line = |condition: &Condition| {
        let values: Vec<String> = condition.is.iter().map(Value::to_text).collect();
        let values = values.join(", ");
        match (condition.is.is_empty(), condition.not) {
            (true, false) => condition.param.clone(),
            (true, true) => format!("!{}", condition.param),
            (false, false) => format!("{} = {values}", condition.param),
            (false, true) => format!("{} != {values}", condition.param),
        }
    };
    conditions.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Reads them; values are of the kind of their parameter.
///
/// # Errors
/// The sentence about the first line that is none.
pub fn conditions(text: &str, params: &[Param]) -> Result<Vec<Condition>, String> {
    let value = |name: &str, text: &str| match params.iter().find(|param| param.id == name) {
        Some(param) if param.kind == ParamKind::Bool => Value::Bool(text == "true"),
        Some(param) if param.kind == ParamKind::Int => {
            text.parse().map_or_else(|_| Value::from(text), Value::Int)
        }
        _ => Value::from(text),
    };
    let line = |line: &str| {
        let (name, not, values) = match (line.split_once("!="), line.split_once('=')) {
            (Some((name, values)), _) => (name, true, Some(values)),
            (None, Some((name, values))) => (name, false, Some(values)),
            (None, None) => match line.strip_prefix('!') {
                Some(name) => (name, true, None),
                None => (line, false, None),
            },
        };
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(tr!(template.condition_wrong, line = line));
        }
        let values = values.map(|values| values.split(',').map(str::trim));
        Ok(Condition {
            param: name.to_owned(),
            is: values
                .into_iter()
                .flatten()
                .filter(|text| !text.is_empty())
                .map(|text| value(name, text))
                .collect(),
            not,
        })
    };
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(line)
        .collect()
}

/// Options, one a line: `value`, or `value | English | 中文`.
pub fn options_text(items: &[Choice]) -> String {
    let line = |choice: &Choice| {
        if choice.label.en.is_empty() && choice.label.zh.is_empty() {
            choice.value.clone()
        } else {
            format!("{} | {} | {}", choice.value, choice.label.en, choice.label.zh)
        }
    };
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Reads them.
pub fn options(text: &str) -> Vec<Choice> {
    let line = |line: &str| {
        let mut parts = line.split('|').map(str::trim);
        let value = parts.next().unwrap_or_default().to_owned();
        let en = parts.next().unwrap_or_default();
        let zh = parts.next().unwrap_or(en);
        Choice {
            value,
            label: Text::new(en, zh),
        }
    };
    text.lines()
        .filter(|text| !text.trim().is_empty())
        .map(line)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::pipeline::templates;

    #[test]
    fn what_the_built_in_templates_say_comes_back_as_it_was() {
        let mut seen = 0;
        for template in templates() {
            let jobs = &template.graph.jobs;
            let of_jobs = jobs.iter().map(|job| &job.conditions);
            let of_steps = jobs
                .iter()
                .flat_map(|job| &job.steps)
                .map(|step| &step.conditions);
            let of_params = template.params.iter().map(|param| &param.visible_if);
            for all in of_jobs.chain(of_steps).chain(of_params) {
                assert_eq!(
                    conditions(&conditions_text(all), &template.params).as_ref(),
                    Ok(all)
                );
                seen += all.len();
            }
            for param in &template.params {
                if let Some(slipway_domain::pipeline::Options::Static { items }) = &param.options {
                    assert_eq!(&options(&options_text(items)), items, "{}", param.id);
                }
            }
        }
        assert!(seen > 20);
        assert!(conditions("two words", &[]).is_err());
    }
}
