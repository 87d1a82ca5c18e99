//! Which templates suit a repository.

use serde::{Deserialize, Serialize};

use super::template::{Template, templates};
use crate::text::Text;

/// A template that suits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The template's key.
    pub template: String,
    /// How well it suits; suggestions are sorted by it, best first.
    pub score: u32,
    /// Why, for people.
    pub reason: Text,
}

/// Suggests templates, best first. `files` are the paths of the repository's root, `languages`
/// the shares in percent as GitLab gives them (`GET /projects/:id/languages`). The empty
/// template always comes last, so there is always a suggestion.
pub fn detect(files: &[&str], languages: &[(String, f32)]) -> Vec<Suggestion> {
    detect_among(templates(), files, languages)
}

/// As [`detect`], among these templates.
pub fn detect_among<'a>(
    templates: impl IntoIterator<Item = &'a Template>,
    files: &[&str],
    languages: &[(String, f32)],
) -> Vec<Suggestion> {
    let mut all: Vec<Suggestion> = templates
        .into_iter()
        .filter_map(|template| suggestion(template, files, languages))
        .collect();
    all.sort_by_key(|suggestion| std::cmp::Reverse(suggestion.score));
    all
}

fn suggestion(template: &Template, files: &[&str], languages: &[(String, f32)]) -> Option<Suggestion> {
    let mut hits: Vec<(&str, u8)> = Vec::new();
    for (pattern, weight) in &template.detect.files {
        let hit = files
            .iter()
            .find(|file| matches(pattern, file.trim_start_matches("./")));
        hits.extend(hit.map(|file| (*file, *weight)));
    }
    hits.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    let known = |name: &str| {
        template
            .detect
            .languages
            .iter()
            .any(|one| one.eq_ignore_ascii_case(name))
    };
    let language = languages
        .iter()
        .filter(|(name, share)| known(name) && *share > 0.0)
        .max_by(|a, b| a.1.total_cmp(&b.1));

    let from_files: u32 = hits.iter().map(|(_, weight)| u32::from(*weight)).sum();
    let share = language.map_or(0, |(_, share)| percent(*share));
    let is_empty = template.key == "empty";
    let score = from_files + share / 2 + u32::from(is_empty);
    let reason = match (hits.first(), language) {
        (Some((file, _)), _) => Text::new(format!("The repository has {file}"), format!("仓库中有 {file}")),
        (None, Some((name, _))) => Text::new(
            format!("{share} % of the repository is {name}"),
            format!("仓库中 {share}% 是 {name}"),
        ),
        (None, None) if is_empty => Text::new("Start from nothing", "从空白开始"),
        (None, None) => return None,
    };
    Some(Suggestion {
        template: template.key.clone(),
        score,
        reason,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=100 before"
)]
fn percent(share: f32) -> u32 {
    share.clamp(0.0, 100.0).round() as u32
}

/// `*` stands for any characters; case counts.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(files: &[&str], languages: &[(&str, f32)]) -> String {
        let languages: Vec<(String, f32)> = languages
            .iter()
            .map(|(name, share)| ((*name).to_owned(), *share))
            .collect();
        detect(files, &languages)
            .first()
            .map(|one| one.template.clone())
            .unwrap_or_default()
    }

    #[test]
    fn the_build_file_decides() {
        assert_eq!(best(&["README.md", "package.json", "Dockerfile"], &[]), "node");
        assert_eq!(
            best(&["app.py", "requirements.txt", "Dockerfile"], &[("Python", 98.0)]),
            "python"
        );
        assert_eq!(
            best(&["pom.xml", "src", "Dockerfile"], &[("Java", 80.0)]),
            "java-maven"
        );
        assert_eq!(
            best(&["build.gradle.kts", "gradlew"], &[("Kotlin", 80.0)]),
            "java-gradle"
        );
        assert_eq!(best(&["go.mod", "main.go"], &[("Go", 99.0)]), "go");
        assert_eq!(best(&["Cargo.toml", "Cargo.lock"], &[("Rust", 99.0)]), "rust");
        assert_eq!(best(&["App.csproj"], &[("C#", 99.0)]), "dotnet");
        assert_eq!(best(&["composer.json", "index.php"], &[("PHP", 99.0)]), "php");
        assert_eq!(
            best(
                &["index.html", "build.sh", "Dockerfile"],
                &[("HTML", 90.0), ("Shell", 10.0)]
            ),
            "static-site"
        );
        assert_eq!(best(&["Dockerfile"], &[]), "docker-image");
        assert_eq!(best(&["Chart.yaml", "values.yaml"], &[]), "helm-chart");
    }

    #[test]
    fn an_unknown_repository_starts_from_nothing() {
        assert_eq!(best(&["README.md"], &[("COBOL", 100.0)]), "empty");
        assert_eq!(best(&[], &[]), "empty");
    }

    #[test]
    fn a_language_alone_suggests() {
        assert_eq!(best(&["README.md"], &[("Go", 70.0), ("HTML", 30.0)]), "go");
    }
}
