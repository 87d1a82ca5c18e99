//! `slipway pipeline`: the pipeline engine for scripts. No server, no configuration, no network.

use anyhow::Context as _;
use slipway_domain::pipeline::file::{
    Assignment, Edit, Finding, Refusal, apply, edit, import, is_refused, lint, tree, write_back,
};
use slipway_domain::pipeline::source::SourceError;
use slipway_domain::pipeline::{
    Pipeline, Severity, compile, form, instantiate, template, templates, validate,
};
use slipway_domain::text::Locale;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// GitLab would refuse the file, or what was given is not what is asked for.
const REFUSED: u8 = 2;
/// The change cannot be made without changing more.
const NOT_CHANGED: u8 = 3;

/// What to do with a pipeline.
#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    verb: Verb,
    /// The language of messages: en or zh-CN
    #[arg(long, global = true, value_name = "TAG", default_value = "en")]
    lang: String,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Read a file and print what Slipway makes of it, as JSON
    Import(File),
    /// Read a file and write it back without a change, to standard output
    Roundtrip(File),
    /// Change fields of jobs and print the file; 3 where more than the field would change
    Edit(EditOptions),
    /// Say what GitLab would refuse; 2 when it would
    Lint(File),
    /// Print a pipeline given as JSON as a file for GitLab
    Compile {
        /// The pipeline, as `pipeline new --model` prints one; - for standard input
        model: PathBuf,
    },
    /// Make a pipeline from a template
    New(New),
}

#[derive(clap::Args)]
struct File {
    /// The file; - for standard input
    file: PathBuf,
    /// The file is included by others: what they may define is not missed
    #[arg(long)]
    included: bool,
}

#[derive(clap::Args)]
struct EditOptions {
    /// The file; - for standard input
    file: PathBuf,
    /// A field and what it becomes: test.image=node:24, test.script.0=make, test.timeout=1h
    #[arg(long, value_name = "JOB.FIELD=VALUE")]
    set: Vec<String>,
    /// A field to take away
    #[arg(long, value_name = "JOB.FIELD")]
    unset: Vec<String>,
    /// A file with changes as the editor stores them, a JSON list; they come after the fields
    #[arg(long, value_name = "FILE")]
    apply: Option<PathBuf>,
}

#[derive(clap::Args)]
struct New {
    /// The template's key
    template: String,
    /// A parameter and its value; lists have one item a line
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// Print the pipeline as JSON, for `pipeline compile`
    #[arg(long)]
    model: bool,
}

pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut streams = Streams {
        out: Vec::new(),
        err: String::new(),
        locale: Locale::from_tag(&options.lang),
    };
    let code = execute(&options.verb, &mut streams)?;
    eprint!("{}", streams.err);
    let mut out = std::io::stdout().lock();
    // Whoever reads may have seen enough: `slipway pipeline import x | head`.
    let _ = out.write_all(&streams.out).and_then(|()| out.flush());
    Ok(ExitCode::from(code))
}

/// What a verb says.
struct Streams {
    out: Vec<u8>,
    err: String,
    locale: Locale,
}

impl Streams {
    fn say(&mut self, file: &Path, message: &str) {
        let _ = writeln!(self.err, "{}: {message}", file.display());
    }

    fn source(&mut self, file: &Path, error: &SourceError) -> u8 {
        self.say(file, &error.message(self.locale));
        REFUSED
    }

    fn findings(&mut self, file: &Path, findings: &[Finding]) {
        for finding in findings {
            let word = match (finding.severity, self.locale) {
                (Severity::Error, Locale::En) => "error",
                (Severity::Error, Locale::ZhCn) => "错误",
                (Severity::Warning, Locale::En) => "warning",
                (Severity::Warning, Locale::ZhCn) => "警告",
            };
            self.say(file, &format!("{word}: {}", finding.message(self.locale)));
        }
    }

    fn json(&mut self, value: &serde_json::Value) -> anyhow::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, value)?;
        self.out.push(b'\n');
        Ok(())
    }
}

fn execute(verb: &Verb, streams: &mut Streams) -> anyhow::Result<u8> {
    match verb {
        Verb::Import(file) => with_text(&file.file, streams, |text, streams| imported(file, text, streams)),
        Verb::Roundtrip(file) => with_text(&file.file, streams, |text, streams| {
            let imported = match import(text, true) {
                Ok(imported) => imported,
                Err(error) => return Ok(streams.source(&file.file, &error)),
            };
            streams.out = write_back(text, &imported.segments).into_bytes();
            Ok(0)
        }),
        Verb::Edit(options) => with_text(&options.file, streams, |text, streams| {
            edited(options, text, streams)
        }),
        Verb::Lint(file) => with_text(&file.file, streams, |text, streams| {
            let tree = match tree::parse(text) {
                Ok(tree) => tree,
                Err(error) => return Ok(streams.source(&file.file, &error)),
            };
            let findings = lint(&tree, file.included);
            streams.findings(&file.file, &findings);
            Ok(if is_refused(&findings) { REFUSED } else { 0 })
        }),
        Verb::Compile { model } => {
            with_text(model, streams, |text, streams| Ok(compiled(model, text, streams)))
        }
        Verb::New(options) => made(options, streams),
    }
}

/// Reads a file as it is: a byte order mark and line ends stay.
fn with_text(
    path: &Path,
    streams: &mut Streams,
    then: impl FnOnce(&str, &mut Streams) -> anyhow::Result<u8>,
) -> anyhow::Result<u8> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .context("standard input could not be read")?;
    } else {
        bytes = std::fs::read(path).with_context(|| format!("{} could not be read", path.display()))?;
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => then(text, streams),
        Err(error) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            let message = match streams.locale {
                Locale::En => {
                    format!("Line {line}, column {column}: this is not UTF-8. Save the file as UTF-8.")
                }
                Locale::ZhCn => format!("第 {line} 行第 {column} 列：不是 UTF-8 编码，请以 UTF-8 保存。"),
            };
            streams.say(path, &message);
            Ok(REFUSED)
        }
    }
}

fn imported(file: &File, text: &str, streams: &mut Streams) -> anyhow::Result<u8> {
    let imported = match import(text, file.included) {
        Ok(imported) => imported,
        Err(error) => return Ok(streams.source(&file.file, &error)),
    };
    let mut json = serde_json::to_value(&imported)?;
    for segment in json["segments"].as_array_mut().into_iter().flatten() {
        plain_reason(segment, streams.locale);
        for locked in segment["locked"].as_array_mut().into_iter().flatten() {
            plain_reason(locked, streams.locale);
        }
    }
    for (shown, finding) in json["findings"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .zip(&imported.findings)
    {
        shown["message"] = finding.message(streams.locale).into();
    }
    streams.json(&json)?;
    streams.findings(&file.file, &imported.findings);
    Ok(if is_refused(&imported.findings) {
        REFUSED
    } else {
        0
    })
}

/// A reason as `reason` (a sentence) and `code`.
fn plain_reason(holder: &mut serde_json::Value, locale: Locale) {
    let Some(holder) = holder.as_object_mut() else {
        return;
    };
    let Some(reason) = holder.remove("reason").filter(serde_json::Value::is_object) else {
        return;
    };
    let language = match locale {
        Locale::En => "en",
        Locale::ZhCn => "zh",
    };
    holder.insert("reason".to_owned(), reason["text"][language].clone());
    holder.insert("code".to_owned(), reason["code"].clone());
}

fn edited(options: &EditOptions, text: &str, streams: &mut Streams) -> anyhow::Result<u8> {
    let mut text = text.to_owned();
    let changes = options
        .set
        .iter()
        .map(|set| (set, true))
        .chain(options.unset.iter().map(|unset| (unset, false)));
    for (given, sets) in changes {
        let assignment = if sets {
            Assignment::read(&text, given)
        } else {
            Assignment::absent(&text, given)
        };
        match assignment.and_then(|assignment| edit(&text, &assignment)) {
            Ok(done) => {
                text = done.text;
                also_changed(&options.file, &done.also, streams);
            }
            Err(refusal) => return Ok(not_changed(&options.file, &refusal, streams)),
        }
    }
    if let Some(path) = &options.apply {
        let stored =
            std::fs::read_to_string(path).with_context(|| format!("{} could not be read", path.display()))?;
        let edits: Vec<Edit> = match serde_json::from_str(&stored) {
            Ok(edits) => edits,
            Err(error) => {
                streams.say(
                    path,
                    &format!("Line {}, column {}: {error}", error.line(), error.column()),
                );
                return Ok(REFUSED);
            }
        };
        match apply(&text, &edits) {
            Ok(done) => {
                text = done.text;
                also_changed(&options.file, &done.also, streams);
            }
            Err(refused) => {
                let place = format!("{}[{}]", path.display(), refused.at);
                return Ok(not_changed(Path::new(&place), &refused.refusal, streams));
            }
        }
    }
    streams.out = text.into_bytes();
    Ok(0)
}

fn also_changed(file: &Path, jobs: &[String], streams: &mut Streams) {
    if jobs.is_empty() {
        return;
    }
    let names = jobs.join(", ");
    let message = match streams.locale {
        Locale::En => format!("these jobs take from it and change too: {names}"),
        Locale::ZhCn => format!("以下作业引用了它，随之改变：{names}"),
    };
    streams.say(file, &message);
}

fn not_changed(file: &Path, refusal: &Refusal, streams: &mut Streams) -> u8 {
    streams.say(file, &refusal.message(streams.locale));
    if matches!(refusal, Refusal::Source { .. }) {
        REFUSED
    } else {
        NOT_CHANGED
    }
}

fn compiled(path: &Path, text: &str, streams: &mut Streams) -> u8 {
    let pipeline: Pipeline = match serde_json::from_str(text) {
        Ok(pipeline) => pipeline,
        Err(error) => {
            streams.say(
                path,
                &format!("Line {}, column {}: {error}", error.line(), error.column()),
            );
            return REFUSED;
        }
    };
    let problems = validate(&pipeline);
    for problem in &problems {
        let job = problem
            .job
            .as_deref()
            .map(|job| format!("{job}: "))
            .unwrap_or_default();
        streams.say(path, &format!("{job}{}", problem.message(streams.locale)));
    }
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return REFUSED;
    }
    streams.out = compile(&pipeline).text.into_bytes();
    0
}

fn made(options: &New, streams: &mut Streams) -> anyhow::Result<u8> {
    let asked = Path::new(&options.template);
    let Some(template) = template(&options.template) else {
        let keys: Vec<&str> = templates().iter().map(|template| template.key.as_str()).collect();
        let keys = keys.join(", ");
        let message = match streams.locale {
            Locale::En => format!("There is no such template. Choose one of: {keys}."),
            Locale::ZhCn => format!("没有这个模板，请从以下选择：{keys}。"),
        };
        streams.say(asked, &message);
        return Ok(REFUSED);
    };
    let mut inputs = BTreeMap::new();
    let mut wrong = Vec::new();
    for given in &options.params {
        match given.split_once('=') {
            Some((name, value)) if template.params.iter().any(|param| param.id == name) => {
                inputs.insert(name.to_owned(), value.to_owned());
            }
            _ => wrong.push(given.clone()),
        }
    }
    let parsed = form::parse(&template.params, &inputs);
    for error in &parsed.errors {
        streams.say(
            asked,
            &format!("{}: {}", error.param, error.message.text(streams.locale)),
        );
    }
    if !wrong.is_empty() {
        let names: Vec<&str> = template.params.iter().map(|param| param.id.as_str()).collect();
        let (wrong, names) = (wrong.join(", "), names.join(", "));
        let message = match streams.locale {
            Locale::En => format!("{wrong}: write NAME=VALUE with one of: {names}."),
            Locale::ZhCn => format!("{wrong}：请写作 名称=值，名称为以下之一：{names}。"),
        };
        streams.say(asked, &message);
    }
    if !wrong.is_empty() || !parsed.errors.is_empty() {
        return Ok(REFUSED);
    }
    match instantiate(template, &parsed.values) {
        Ok(pipeline) if options.model => streams.json(&serde_json::to_value(&pipeline)?)?,
        Ok(pipeline) => streams.out = compile(&pipeline).text.into_bytes(),
        Err(problems) => {
            for problem in problems {
                streams.say(asked, &problem.message(streams.locale));
            }
            return Ok(REFUSED);
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        options: Options,
    }

    struct Said {
        code: u8,
        out: Vec<u8>,
        err: String,
    }

    /// Runs the command on a file with these bytes, which is named `FILE` in the arguments.
    fn run_on(bytes: &[u8], arguments: &[&str]) -> Said {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ci.yml");
        std::fs::write(&path, bytes).expect("written");
        let path = path.to_str().expect("UTF-8");
        let arguments = arguments
            .iter()
            .map(|one| if *one == "FILE" { path } else { one });
        let cli = Cli::parse_from(std::iter::once("pipeline").chain(arguments));
        let locale = Locale::from_tag(&cli.options.lang);
        let mut streams = Streams {
            out: Vec::new(),
            err: String::new(),
            locale,
        };
        let code = execute(&cli.options.verb, &mut streams).expect("runs");
        Said {
            code,
            out: streams.out,
            err: streams.err,
        }
    }

    const FILE: &[u8] = "\u{feff}# 注释\r\ntest:\r\n  image: node:22 # pinned\r\n  script: [a, b]".as_bytes();

    #[test]
    fn bytes_go_in_and_come_out_untouched() {
        let said = run_on(FILE, &["roundtrip", "FILE"]);
        assert_eq!((said.code, said.out.as_slice(), said.err.as_str()), (0, FILE, ""));
    }

    #[test]
    fn an_edit_changes_the_field_and_a_refusal_writes_nothing() {
        let said = run_on(FILE, &["edit", "FILE", "--set", "test.image=node:24"]);
        let wanted = String::from_utf8_lossy(FILE).replace("node:22", "node:24");
        assert_eq!(
            (said.code, String::from_utf8_lossy(&said.out)),
            (0, wanted.into())
        );
        for set in [
            "test.nothing.0=x",
            "nobody.image=x",
            "test.retry=often",
            "test.stage=nowhere",
        ] {
            let said = run_on(FILE, &["edit", "FILE", "--set", set]);
            assert_eq!((said.code, said.out.len()), (3, 0), "{set}");
            assert!(said.err.ends_with(".\n"), "{set}: {}", said.err);
        }
    }

    #[test]
    fn stored_changes_are_applied_to_the_end_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("edits.json");
        let path = path.to_str().expect("UTF-8");
        let rename = r#"{"edit":"rename_job","job":"test","to":"check"}"#;
        std::fs::write(path, format!("[{rename}]")).expect("written");
        let said = run_on(FILE, &["edit", "FILE", "--apply", path]);
        let wanted = String::from_utf8_lossy(FILE).replace("test:", "check:");
        assert_eq!(
            (said.code, String::from_utf8_lossy(&said.out)),
            (0, wanted.into()),
            "{}",
            said.err
        );
        std::fs::write(path, format!("[{rename},{rename}]")).expect("written");
        let said = run_on(FILE, &["edit", "FILE", "--apply", path]);
        assert_eq!((said.code, said.out.len()), (3, 0));
        assert!(
            said.err.contains("[1]") && said.err.contains("test"),
            "{}",
            said.err
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_named_and_everything_is_shown() {
        let text = b"test:\n  script: x\ntest:\n  script: y\n";
        for verb in ["lint", "import"] {
            let said = run_on(text, &[verb, "FILE"]);
            assert_eq!(said.code, 2, "{verb}");
            assert!(said.err.contains("Line 3, column 1"), "{verb}: {}", said.err);
        }
        assert_eq!(run_on(text, &["roundtrip", "FILE"]).out, text);
    }

    #[test]
    fn an_import_is_json_that_covers_the_file() {
        let said = run_on(FILE, &["import", "FILE"]);
        assert_eq!(said.code, 0, "{}", said.err);
        let json: serde_json::Value = serde_json::from_slice(&said.out).expect("JSON");
        assert_eq!(json["segments"][0]["code"], "comments");
        assert_eq!(json["segments"][0]["reason"], "comments and document markers");
        assert_eq!(json["segments"][1]["end"], FILE.len());
        assert_eq!(json["jobs"][0]["name"], "test");
        assert_eq!(json["line_ending"], "crlf");
    }

    #[test]
    fn what_gitlab_refuses_is_2_with_line_and_column() {
        for (text, place) in [
            ("test:\n\tscript: x\n", "Line 2, column 1"),
            ("test:\n  stage: ship\n  script: x\n", "Line 2, column 10"),
            ("test:\n  script: x\n  needs: [gone]\n", "Line 3, column 11"),
            ("test: [\n", "Line 1"),
        ] {
            for verb in ["lint", "import"] {
                let said = run_on(text.as_bytes(), &[verb, "FILE"]);
                assert_eq!(said.code, 2, "{verb} {text}");
                assert!(said.err.contains(place), "{verb} {text}: {}", said.err);
            }
        }
        let said = run_on(b"test:\n  script: \xff\n", &["lint", "FILE", "--lang", "zh-CN"]);
        assert_eq!((said.code, said.err.contains("第 2 行第 11 列")), (2, true));
    }

    #[test]
    fn a_model_made_from_a_template_compiles_to_the_same_file() {
        let direct = run_on(b"", &["new", "node", "--param", "node_version=24"]);
        assert_eq!((direct.code, direct.err.as_str()), (0, ""));
        let model = run_on(b"", &["new", "node", "--param", "node_version=24", "--model"]);
        let compiled = run_on(&model.out, &["compile", "FILE"]);
        assert_eq!((compiled.code, compiled.out), (0, direct.out));
        for refused in [&["new", "nobody"][..], &["new", "node", "--param", "x=1"]] {
            let said = run_on(b"", refused);
            assert_eq!((said.code, said.out.len()), (2, 0));
        }
        assert_eq!(run_on(b"{", &["compile", "FILE"]).code, 2);
    }
}
