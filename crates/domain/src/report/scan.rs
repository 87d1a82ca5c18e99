//! What scanners found, read from the files that they leave: GitLab's security reports
//! (`gl-dependency-scanning-report.json` and its kind) and Trivy's JSON, which Slipway's own templates write.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most findings of a scan that are kept; the worst come first.
pub const MOST_FINDINGS: usize = 1000;
/// The longest words of a finding, in characters.
const MOST_WORDS: usize = 500;

/// How bad it is, from the worst on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// At once.
    Critical,
    /// Soon.
    High,
    /// Sometime.
    Medium,
    /// Perhaps.
    Low,
    /// The scanner does not know.
    Unknown,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// Every one, from the worst on.
    pub const ALL: [Self; 6] = [
        Self::Critical,
        Self::High,
        Self::Medium,
        Self::Low,
        Self::Unknown,
        Self::Info,
    ];

    /// The stable key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Unknown => "unknown",
            Self::Info => "info",
        }
    }

    /// Reads a scanner's word, in any case; what is not known is [`Severity::Unknown`].
    pub fn read(word: &str) -> Self {
        let word = word.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|severity| severity.key() == word)
            .unwrap_or(Self::Unknown)
    }

    /// What it is called.
    pub fn text(self) -> Text {
        match self {
            Self::Critical => Text::new("Critical", "严重"),
            Self::High => Text::new("High", "高危"),
            Self::Medium => Text::new("Medium", "中危"),
            Self::Low => Text::new("Low", "低危"),
            Self::Unknown => Text::new("Unknown", "未知"),
            Self::Info => Text::new("Info", "提示"),
        }
    }
}

/// What was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanKind {
    /// Secrets in the repository.
    Secrets,
    /// Dependencies.
    Dependencies,
    /// The image.
    Image,
    /// The code itself.
    Code,
}

impl ScanKind {
    /// The stable key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::Dependencies => "dependencies",
            Self::Image => "image",
            Self::Code => "code",
        }
    }

    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Secrets, Self::Dependencies, Self::Image, Self::Code];

    /// Reads the stable key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// What it is called.
    pub fn text(self) -> Text {
        match self {
            Self::Secrets => Text::new("Secrets", "密钥泄露"),
            Self::Dependencies => Text::new("Dependencies", "依赖漏洞"),
            Self::Image => Text::new("Image", "镜像漏洞"),
            Self::Code => Text::new("Code", "代码扫描"),
        }
    }
}

/// The files that scanners leave among a job's artifacts, by their names.
pub const FILES: &[(&str, ScanKind)] = &[
    ("scan-secrets.json", ScanKind::Secrets),
    ("scan-dependencies.json", ScanKind::Dependencies),
    ("scan-image.json", ScanKind::Image),
    ("gl-secret-detection-report.json", ScanKind::Secrets),
    ("gl-dependency-scanning-report.json", ScanKind::Dependencies),
    ("gl-container-scanning-report.json", ScanKind::Image),
    ("gl-sast-report.json", ScanKind::Code),
];

/// What the file at `path` among artifacts is a scan of, if it is one.
pub fn kind_of(path: &str) -> Option<ScanKind> {
    let name = path.rsplit('/').next().unwrap_or(path);
    FILES
        .iter()
        .find(|(file, _)| *file == name)
        .map(|(_, kind)| *kind)
}

/// Something that was found. Of a secret, never the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub name: String,
    /// Its number, as in `CVE-2026-1234`.
    pub identifier: Option<String>,
    /// The package and its version, as in `openssl 3.0.1`.
    pub package: Option<String>,
    /// What to do, as in `3.0.2`.
    pub solution: Option<String>,
    /// The file of the repository, or the part of the image.
    pub file: Option<String>,
    /// Whether `file` is a path of the repository.
    pub in_repository: bool,
    /// The line in it, from 1.
    pub line: Option<i64>,
    /// Where more is said: `http` or `https`.
    pub link: Option<String>,
}

/// What one scan found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// What was scanned.
    pub kind: ScanKind,
    /// The job that did it.
    pub job: String,
    /// The scanner's name, where the file says it.
    pub scanner: Option<String>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// How many findings are not among them.
    pub left_out: usize,
    /// Why the file could not be read.
    pub trouble: Option<Text>,
}

impl Scan {
    /// The numbers of it.
    pub fn summary(&self) -> ScanSummary {
        ScanSummary {
            kind: self.kind,
            job: self.job.clone(),
            scanner: self.scanner.clone(),
            counts: self.counts(),
            left_out: self.left_out,
            trouble: self.trouble.clone(),
        }
    }

    /// How many findings of each severity are kept, from the worst on, without those that there are none of.
    pub fn counts(&self) -> Vec<(Severity, usize)> {
        Severity::ALL
            .into_iter()
            .map(|severity| {
                let of = self
                    .findings
                    .iter()
                    .filter(|finding| finding.severity == severity);
                (severity, of.count())
            })
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

/// What one scan found, in numbers: as a release carries it with its images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanSummary {
    /// What was scanned.
    pub kind: ScanKind,
    /// The job that did it.
    pub job: String,
    /// The scanner's name, where the file says it.
    pub scanner: Option<String>,
    /// How many findings of each severity, from the worst on, without those that there are none of.
    pub counts: Vec<(Severity, usize)>,
    /// How many findings were not read, none of them worse than those that were.
    pub left_out: usize,
    /// Why the file could not be read.
    pub trouble: Option<Text>,
}

impl ScanSummary {
    /// How many findings are of the severity or worse.
    pub fn at_least(&self, severity: Severity) -> usize {
        self.counts
            .iter()
            .filter(|(found, _)| *found <= severity)
            .map(|(_, count)| count)
            .sum()
    }
}

/// Reads the file that a scanner left.
pub fn read(kind: ScanKind, job: &str, text: &str) -> Scan {
    let mut scan = Scan {
        kind,
        job: job.to_owned(),
        scanner: None,
        findings: Vec::new(),
        left_out: 0,
        trouble: None,
    };
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        scan.trouble = Some(unreadable());
        return scan;
    };
    if value.get("vulnerabilities").is_some_and(Value::is_array) {
        scan.scanner = value
            .pointer("/scan/scanner/name")
            .and_then(Value::as_str)
            .map(words);
        scan.findings = items(&value, "vulnerabilities")
            .iter()
            .filter_map(|item| gitlab(kind, item))
            .collect();
    } else if value.get("SchemaVersion").is_some() || value.get("Results").is_some() {
        scan.scanner = Some(String::from("Trivy"));
        scan.findings = items(&value, "Results")
            .iter()
            .flat_map(|result| trivy(kind, result))
            .collect();
    } else {
        scan.trouble = Some(unreadable());
    }
    scan.findings.sort_by(|a, b| {
        (a.severity, &a.file, &a.package, &a.name).cmp(&(b.severity, &b.file, &b.package, &b.name))
    });
    scan.left_out = scan.findings.len().saturating_sub(MOST_FINDINGS);
    scan.findings.truncate(MOST_FINDINGS);
    scan
}

fn unreadable() -> Text {
    Text::new(
        "The report cannot be read: it is neither one of GitLab's nor one of Trivy's. See the job's files.",
        "无法识别该报告：既不是 GitLab 报告，也不是 Trivy 报告。请查看作业文件。",
    )
}

fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn words(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MOST_WORDS)
        .collect()
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .filter(|text| !text.trim().is_empty())
        .map(words)
}

fn link(url: Option<String>) -> Option<String> {
    url.filter(|url| url.starts_with("https://") || url.starts_with("http://"))
}

/// One vulnerability of GitLab's schema for security reports.
fn gitlab(kind: ScanKind, item: &Value) -> Option<Finding> {
    let name = text(item, "/name")
        .or_else(|| text(item, "/message"))
        .or_else(|| text(item, "/identifiers/0/name"))
        .or_else(|| text(item, "/description"))?;
    let package = text(item, "/location/dependency/package/name").map(|package| {
        let version = text(item, "/location/dependency/version").unwrap_or_default();
        format!("{package} {version}").trim_end().to_owned()
    });
    let image = text(item, "/location/image");
    let file = text(item, "/location/file");
    Some(Finding {
        severity: Severity::read(item.get("severity").and_then(Value::as_str).unwrap_or_default()),
        identifier: text(item, "/identifiers/0/value").or_else(|| text(item, "/identifiers/0/name")),
        package,
        solution: text(item, "/solution"),
        in_repository: file.is_some() && kind != ScanKind::Image,
        file: file.or(image),
        line: item.pointer("/location/start_line").and_then(Value::as_i64),
        link: link(text(item, "/links/0/url").or_else(|| text(item, "/identifiers/0/url"))),
        name,
    })
}

/// The findings of one target of Trivy.
fn trivy(kind: ScanKind, result: &Value) -> Vec<Finding> {
    let target = text(result, "/Target");
    let in_repository = kind != ScanKind::Image;
    let severity =
        |item: &Value| Severity::read(item.get("Severity").and_then(Value::as_str).unwrap_or_default());
    let packages = items(result, "Vulnerabilities").iter().filter_map(|item| {
        let identifier = text(item, "/VulnerabilityID")?;
        let package = text(item, "/PkgName").map(|package| {
            let version = text(item, "/InstalledVersion").unwrap_or_default();
            format!("{package} {version}").trim_end().to_owned()
        });
        Some(Finding {
            severity: severity(item),
            name: text(item, "/Title").unwrap_or_else(|| identifier.clone()),
            identifier: Some(identifier),
            package,
            solution: text(item, "/FixedVersion"),
            file: target.clone(),
            in_repository,
            line: None,
            link: link(text(item, "/PrimaryURL")),
        })
    });
    // `Match` has the secret, masked by the scanner as well as it can: it stays where it is.
    let secrets = items(result, "Secrets").iter().filter_map(|item| {
        Some(Finding {
            severity: severity(item),
            name: text(item, "/Title").or_else(|| text(item, "/RuleID"))?,
            identifier: text(item, "/RuleID"),
            package: None,
            solution: None,
            file: target.clone(),
            in_repository,
            line: item.get("StartLine").and_then(Value::as_i64),
            link: None,
        })
    });
    packages.chain(secrets).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GITLAB: &str = r#"{
        "version": "15.0.0",
        "scan": { "scanner": { "id": "gemnasium", "name": "Gemnasium" }, "type": "dependency_scanning" },
        "vulnerabilities": [
            { "name": "Slow regular expression", "severity": "Medium",
              "identifiers": [{ "type": "cve", "name": "CVE-2026-2", "value": "CVE-2026-2", "url": "https://cve.example/2" }],
              "location": { "file": "package-lock.json", "dependency": { "package": { "name": "left-pad" }, "version": "1.0.0" } },
              "solution": "Upgrade to 1.0.1" },
            { "message": "Worst of all", "severity": "Critical", "links": [{ "url": "javascript:alert(1)" }],
              "location": { "file": "src/a.rs", "start_line": 7 } },
            { "severity": "High" }
        ] }"#;

    const TRIVY: &str = r#"{
        "SchemaVersion": 2, "ArtifactName": ".",
        "Results": [
            { "Target": "Cargo.lock", "Vulnerabilities": [
                { "VulnerabilityID": "CVE-2026-9", "PkgName": "openssl", "InstalledVersion": "3.0.1",
                  "FixedVersion": "3.0.2", "Severity": "HIGH", "Title": "Buffer overrun", "PrimaryURL": "https://avd.example/9" } ] },
            { "Target": "config/dev.env", "Secrets": [
                { "RuleID": "aws-access-key-id", "Title": "AWS Access Key ID", "Severity": "CRITICAL", "StartLine": 3,
                  "Match": "key = AKIAHUSHHUSHHUSHHUSH" } ] },
            { "Target": "nothing" } ] }"#;

    #[test]
    fn gitlabs_reports_are_read_worst_first() {
        let scan = read(ScanKind::Dependencies, "deps", GITLAB);
        assert_eq!(scan.scanner.as_deref(), Some("Gemnasium"));
        let names: Vec<_> = scan
            .findings
            .iter()
            .map(|finding| finding.name.as_str())
            .collect();
        assert_eq!(names, ["Worst of all", "Slow regular expression"]);
        assert_eq!(scan.findings[0].link, None, "only addresses of the web are links");
        assert_eq!(
            (scan.findings[0].file.as_deref(), scan.findings[0].line),
            (Some("src/a.rs"), Some(7))
        );
        assert_eq!(scan.findings[1].package.as_deref(), Some("left-pad 1.0.0"));
        assert_eq!(scan.counts(), [(Severity::Critical, 1), (Severity::Medium, 1)]);
    }

    #[test]
    fn trivys_reports_are_read_without_the_secrets_themselves() {
        let scan = read(ScanKind::Secrets, "secrets", TRIVY);
        assert_eq!(scan.findings.len(), 2);
        assert_eq!(
            (scan.findings[0].severity, scan.findings[0].line),
            (Severity::Critical, Some(3))
        );
        assert_eq!(scan.findings[1].solution.as_deref(), Some("3.0.2"));
        let kept = serde_json::to_string(&scan).unwrap();
        assert!(!kept.contains("HUSH"), "{kept}");
    }

    #[test]
    fn what_is_no_report_says_so() {
        for odd in ["", "[]", "{}", "null", "{\"vulnerabilities\": 3}"] {
            let scan = read(ScanKind::Image, "image", odd);
            assert!(scan.trouble.is_some() && scan.findings.is_empty(), "{odd}");
        }
        let clean = read(ScanKind::Image, "image", r#"{"SchemaVersion":2,"Results":null}"#);
        assert!(clean.trouble.is_none() && clean.findings.is_empty());
        assert_eq!(kind_of("a/b/gl-sast-report.json"), Some(ScanKind::Code));
        assert_eq!(kind_of("scan-image.json.bak"), None);
    }

    proptest! {
        #[test]
        fn the_worst_come_first_and_all_are_counted(severities in prop::collection::vec(0usize..7, 0..40)) {
            let words = ["Critical", "HIGH", "medium", "Low", "Unknown", "Info", "negligible"];
            let found: Vec<_> = severities
                .iter()
                .map(|i| serde_json::json!({ "name": "x", "severity": words[*i] }))
                .collect();
            let file = serde_json::json!({ "vulnerabilities": found }).to_string();
            let scan = read(ScanKind::Code, "sast", &file);
            prop_assert!(scan.findings.is_sorted_by_key(|finding| finding.severity));
            prop_assert_eq!(scan.findings.len() + scan.left_out, severities.len());
            prop_assert_eq!(scan.counts().iter().map(|(_, count)| count).sum::<usize>(), scan.findings.len());
        }
    }
}
