//! One field changes, and nothing else; where that cannot be, nothing changes.

use slipway_domain::pipeline::Locale;
use slipway_domain::pipeline::file::job::is_job;
use slipway_domain::pipeline::file::tree::{Kind, NodeId, Style, Tree, parse};
use slipway_domain::pipeline::file::{Assignment, Refusal, edit};

use super::reader::{self, Value};
use super::{corpus, fixtures};

fn set(text: &str, given: &str) -> Result<String, Refusal> {
    Assignment::read(text, given)
        .and_then(|assignment| edit(text, &assignment))
        .map(|done| done.text)
}

fn unset(text: &str, given: &str) -> Result<String, Refusal> {
    Assignment::absent(text, given)
        .and_then(|assignment| edit(text, &assignment))
        .map(|done| done.text)
}

const FILE: &str = "\
# head
stages: [build, test]

build:
  stage: build # why
  image: node:22 # pinned
  script:
    - npm ci
    # the build
    - npm run build  # slow
  variables:
    A: '1'
    B: \"2\" # two
  tags: [docker, \"arm64\"]
  needs: []

# about test
first: {stage: build, script: x}
test:
  image:
    name: 'node:22'
    entrypoint: ['']
  script: npm test
  coverage: /a/
";

#[test]
fn a_field_changes_and_its_comment_stays() {
    for (given, old, new) in [
        ("build.image=node:24", "node:22 # pinned", "node:24 # pinned"),
        ("build.stage=test", "stage: build #", "stage: test #"),
        (
            "build.script.0=npm ci --quiet",
            "- npm ci\n",
            "- npm ci --quiet\n",
        ),
        (
            "build.script[1]=echo \"a: b\" # c",
            "npm run build  #",
            "'echo \"a: b\" # c'  #",
        ),
        ("build.variables.A=it's", "'1'", "'it''s'"),
        ("build.variables.B=x\\y", "\"2\" #", "\"x\\\\y\" #"),
        ("build.variables.B=true", "\"2\" #", "\"true\" #"),
        ("build.tags.0=a, b", "[docker,", "['a, b',"),
        ("build.tags=[\"docker\",\"x\"]", "\"arm64\"]", "\"x\"]"),
        ("build.tags=docker", "[docker, \"arm64\"]", "[docker]"),
        ("build.tags=[]", "[docker, \"arm64\"]", "[]"),
        (
            "build.tags=[\"docker\",\"arm64\",\"more\"]",
            "\"arm64\"]",
            "\"arm64\", more]",
        ),
        ("build.needs=[\"first\"]", "needs: []", "needs: [first]"),
        ("test.image=node:24", "'node:22'", "'node:24'"),
        ("test.image.name=node:24", "'node:22'", "'node:24'"),
        ("test.script=make", "npm test", "make"),
        (
            "test.script=[\"make\", \"make test\"]",
            "npm test",
            "[make, make test]",
        ),
        ("test.script=one\ntwo", "npm test", "|-\n    one\n    two"),
        (
            "test.timeout=90 minutes",
            "  script: npm",
            "  timeout: 90 minutes\n  script: npm",
        ),
        ("test.stage=build", "  image:\n", "  stage: build\n  image:\n"),
        (
            "test.allow_failure=true",
            "  script: npm",
            "  allow_failure: true\n  script: npm",
        ),
        ("test.retry=2", "  script: npm", "  retry: 2\n  script: npm"),
        (
            "test.variables.NEW=yes",
            "  script: npm",
            "  variables:\n    NEW: 'yes'\n  script: npm",
        ),
        (
            "build.variables.NEW=1.10",
            "\"2\" # two\n",
            "\"2\" # two\n    NEW: '1.10'\n",
        ),
        (
            "test.artifacts.expire_in=1 week",
            "coverage: /a/\n",
            "coverage: /a/\n  artifacts:\n    expire_in: 1 week\n",
        ),
        (
            "test.tags=[\"a\",\"b\"]",
            "  script: npm",
            "  tags:\n    - a\n    - b\n  script: npm",
        ),
        (
            "build.script=[\"npm ci\",\"npm run build\",\"npm pack\"]",
            "# slow\n",
            "# slow\n    - npm pack\n",
        ),
    ] {
        let done =
            set(FILE, given).unwrap_or_else(|refusal| panic!("{given}: {}", refusal.message(Locale::En)));
        assert_eq!(FILE.matches(old).count(), 1, "{old}");
        assert_eq!(done, FILE.replace(old, new), "{given}");
        let crlf = FILE.replace('\n', "\r\n");
        // What a text itself says keeps its line breaks; the file's own are the file's.
        let done =
            set(&crlf, given).unwrap_or_else(|refusal| panic!("{given}: {}", refusal.message(Locale::En)));
        assert_eq!(done, FILE.replace(old, new).replace('\n', "\r\n"), "{given}");
    }
}

#[test]
fn a_field_is_taken_away_with_its_lines() {
    assert_eq!(
        unset(FILE, "test.coverage"),
        Ok(FILE.replace("  coverage: /a/\n", ""))
    );
    assert_eq!(
        unset(FILE, "test.image"),
        Ok(FILE.replace("  image:\n    name: 'node:22'\n    entrypoint: ['']\n", ""))
    );
    assert_eq!(
        unset(FILE, "build.script.0"),
        Ok(FILE.replace("    - npm ci\n", ""))
    );
    for refused in ["build.image", "build.script", "build.gone", "test.script.0"] {
        assert!(unset(FILE, refused).is_err(), "{refused}");
    }
    assert!(matches!(
        unset(FILE, "test.script"),
        Err(Refusal::WouldBreak { .. })
    ));
}

#[test]
fn what_would_change_more_is_refused_with_a_reason() {
    let text = "\
.v: &v {A: b}
.image: &image node:22
base: &base
  image: x
  script: x
one:
  <<: *base
  script: &s
    - a
two:
  image: *image
  script: *s
  variables: *v
  when: manual
  when: always
  tags: !reference [.t, tags]
.t:
  tags: [a]
  script: x
three:
  script:
    - !reference [.t, script]
    - | # why
      b
  image: y
  <<: *base
twice: {script: x}
twice: {script: y}
";
    for given in [
        "base.image=z",
        "one.script.0=z",
        "one.script=z",
        "two.image=z",
        "two.variables.A=z",
        "two.script=z",
        "two.when=manual",
        "two.tags=z",
        ".t.tags=z",
        "three.script.1=z",
        "three.script.0=z",
        "three.image=z",
        "three.image=x",
        "twice.script=z",
        "nobody.script=z",
        "stages=z",
        "one",
        "one.retry=often",
        "one.retry=7",
        "one.allow_failure=perhaps",
        "one.stage=nowhere",
        "one.needs=[\"nobody\"]",
        "one.needs=[\"one\"]",
        "one.script.7=z",
        "one.image.name.deep=z",
        "one.timeout=soon",
        "one.when=whenever",
    ] {
        let refusal = set(text, given).expect_err(given);
        for locale in [Locale::En, Locale::ZhCn] {
            let message = refusal.message(locale);
            assert!(message.ends_with(['.', '。']), "{given}: {message}");
        }
    }
    assert_eq!(
        set(text, "three.script.2=z").expect_err("no such item"),
        Refusal::NoSuchField {
            field: "script.2".into()
        }
    );
    assert_eq!(
        set(text, "one.timeout=1h"),
        Ok(text.replace("  script: &s\n", "  timeout: 1h\n  script: &s\n"))
    );
}

#[test]
fn a_field_that_is_added_stands_behind_a_merge_key() {
    let text = ".a: &a\n  image: x\ntest:\n  script: x\n  <<: *a\n";
    assert_eq!(set(text, "test.image=w"), Ok(format!("{text}  image: w\n")));
}

#[test]
fn a_comment_is_never_lost() {
    let text = "a:\n  script: x\n  tags: [one, # why\n    two]\n  needs: # none\n    # really\n    - b\n  cache:\n    paths:\n      - p # first\n      # second\n      - q\nb:\n  script: x\n";
    for given in [
        "a.tags=one",
        "a.tags=[]",
        "a.needs=[]",
        "a.cache.paths=[]",
        "a.cache.paths=q",
    ] {
        assert!(matches!(set(text, given), Err(Refusal::Kept { .. })), "{given}");
    }
    assert_eq!(set(text, "a.tags.0=x"), Ok(text.replace("[one,", "[x,")));
    assert_eq!(
        set(text, "a.cache.paths=[\"x\",\"y\"]"),
        Ok(text.replace("- p #", "- x #").replace("- q\n", "- 'y'\n"))
    );
}

#[test]
fn jobs_that_take_from_it_are_named() {
    let text = "a:\n  script: x\nb:\n  extends: a\nc:\n  script: !reference [a, script]\n";
    let assignment = Assignment::read(text, "a.script=y").expect("read");
    assert_eq!(edit(text, &assignment).expect("done").also, ["b", "c"]);
    let assignment = Assignment::read(text, "a.timeout=1h").expect("read");
    assert_eq!(edit(text, &assignment).expect("done").also, ["b"]);
}

#[test]
fn names_with_dots_and_equals_signs_are_found() {
    let text = "a:\n  script: x\na.b:\n  script: x\n\"c=d\":\n  script: x\n";
    assert_eq!(
        set(text, "a.b.image=w"),
        Ok(text.replace("a.b:\n", "a.b:\n  image: w\n"))
    );
    assert_eq!(
        set(text, "c=d.image=w"),
        Ok(text.replace("\"c=d\":\n", "\"c=d\":\n  image: w\n"))
    );
    assert_eq!(
        set(text, "a.image=y=z"),
        Ok(text.replacen("a:\n", "a:\n  image: y=z\n", 1))
    );
}

#[test]
fn block_scalars_change_within_their_lines() {
    let text = "a:\n  script:\n    - |\n      one\n      two\n\n    - >-\n      three\n  after_script:\n    - |+\n      x\n\nb:\n  script: |\n    y";
    assert_eq!(
        set(text, "a.script.0=new\nlines\n"),
        Ok(text.replace("one\n      two", "new\n      lines"))
    );
    assert_eq!(
        set(text, "a.script.0=short"),
        Ok(text.replace("|\n      one\n      two", "short"))
    );
    assert_eq!(
        set(text, "a.script.1=short"),
        Ok(text.replace(">-\n      three", "short"))
    );
    assert_eq!(
        set(text, "a.after_script.0=short"),
        Ok(text.replace("|+\n      x\n\n", "short\n"))
    );
    assert_eq!(set(text, "b.script=z"), Ok(text.replace("|\n    y", "z")));
    assert_eq!(
        set(text, "b.image=z"),
        Ok(text.replace("  script: |\n    y", "  image: z\n  script: |\n    y"))
    );
    assert_eq!(
        set(text, "b.coverage=/z/"),
        Ok(text.replace("  script: |\n    y", "  coverage: /z/\n  script: |\n    y"))
    );
}

#[test]
fn five_thousand_lines_change_in_one() {
    let text = fixtures::many_lines();
    let done = set(&text, "job-600.image=node:24").expect("done");
    let changed: Vec<(&str, &str)> = text
        .lines()
        .zip(done.lines())
        .filter(|(old, new)| old != new)
        .collect();
    assert_eq!(changed, [("  image: node:22", "  image: node:24")]);
}

/// A scalar of a job: its path, and its lines.
struct Field {
    path: Vec<String>,
    first: usize,
    last: usize,
}

fn fields(tree: &Tree<'_>, id: NodeId, path: &mut Vec<String>, found: &mut Vec<Field>) {
    let node = tree.node(id);
    match &node.kind {
        Kind::Scalar { style, .. } if *style != Style::Absent => found.push(Field {
            path: path.clone(),
            first: node.line,
            last: {
                // A block that keeps the line breaks behind it ends with the last of them.
                let own = &tree.text[node.start..node.end];
                node.line + own.strip_suffix('\n').unwrap_or(own).matches('\n').count()
            },
        }),
        Kind::List { items, .. } => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                fields(tree, *item, path, found);
                path.pop();
            }
        }
        Kind::Map { entries, .. } => {
            for (key, value) in entries {
                // A dot in the name of a key is a step of the path.
                if let Some(key) = tree
                    .scalar(*key)
                    .filter(|key| !key.contains(['.', '[', ']', '=']))
                {
                    path.push(key.to_owned());
                    fields(tree, *value, path, found);
                    path.pop();
                }
            }
        }
        _ => {}
    }
}

/// Values that a field may have, other than the one it has.
fn values(path: &[String]) -> &'static [&'static str] {
    match path.last().map(String::as_str) {
        Some("allow_failure" | "interruptible" | "artifacts" | "optional" | "untracked") => {
            &["true", "false"]
        }
        Some("retry" | "max" | "parallel") => &["2", "1"],
        Some("timeout" | "expire_in" | "start_in") => &["95 minutes"],
        Some("when") => &["always", "on_failure"],
        Some("stage") => &[".pre", ".post"],
        _ if path[0] == "needs" || path[0] == "dependencies" || path[0] == "extends" => &["nobody"],
        _ => &["changed: it's #1 \"now\"", "two\nlines\n", "$PLAIN/word"],
    }
}

/// Files of well-known projects have keys that stand twice. Lines above them may come and go.
#[test]
fn a_file_with_a_key_twice_can_be_changed_elsewhere() {
    let text = "a:\n  script: x\n.b:\n  image: y\n.b:\n  image: z\nc:\n  variables: {A: b}\n  script: x\n  variables: {C: d}\n";
    assert_eq!(
        set(text, "a.timeout=1h").expect("set"),
        text.replace("a:\n", "a:\n  timeout: 1h\n")
    );
    assert!(matches!(set(text, "c.variables.A=x"), Err(Refusal::Kept { .. })));
    assert_eq!(
        set(text, "c.script=make").expect("set"),
        text.replace("  script: x\n  variables: {C", "  script: make\n  variables: {C")
    );
}

/// How many fields of one file are tried; all of them with `SLIPWAY_WHOLE_CORPUS` set (minutes).
fn most() -> usize {
    if std::env::var_os("SLIPWAY_WHOLE_CORPUS").is_some() {
        usize::MAX
    } else {
        15
    }
}

#[test]
fn a_field_of_a_real_job_changes_alone() {
    let (mut done, mut refused) = (0_usize, Vec::new());
    let real = corpus::files()
        .into_iter()
        .map(|(path, text)| (path.display().to_string(), text));
    let own = fixtures::all()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text));
    for (name, text) in own.chain(real) {
        let Ok(tree) = parse(&text) else { continue };
        let Some(document) = tree.content() else { continue };
        let mut all = Vec::new();
        for (key, value) in tree.entries(document.root) {
            let Some(job) = tree.scalar(*key).filter(|key| is_job(key)) else {
                continue;
            };
            let mut found = Vec::new();
            fields(&tree, *value, &mut Vec::new(), &mut found);
            all.extend(
                found
                    .into_iter()
                    .filter(|field| !field.path.is_empty())
                    .map(|field| (job.to_owned(), field)),
            );
        }
        let step = (all.len() / most()).max(1);
        for (index, (job, field)) in all.iter().step_by(step).enumerate() {
            let options = values(&field.path);
            let new = options[index % options.len()];
            let given = format!("{job}.{}={new}", field.path.join("."));
            match set(&text, &given) {
                Ok(result) => {
                    only_these_lines(&text, &result, field, &given, &name);
                    means(&text, &result, job, &field.path, new, &format!("{name} {given}"));
                    done += 1;
                }
                Err(Refusal::NotWhatWasMeant { .. } | Refusal::NoJob { .. } | Refusal::Source { .. }) => {
                    panic!("{name}: {given} is not understood");
                }
                Err(refusal) => refused.push(format!("{name}: {given:?}: {}", refusal.message(Locale::En))),
            }
        }
    }
    eprintln!("{done} changed, {} refused with a reason", refused.len());
    assert!(done > refused.len(), "{}", refused.join("\n"));
}

/// Lines outside of the field's are the same, in number and in text.
fn only_these_lines(old: &str, new: &str, field: &Field, given: &str, name: &str) {
    let lines = |text: &str| text.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>();
    let (old, new) = (lines(old), lines(new));
    let before = field.first - 1;
    let after = old.len() - field.last.min(old.len());
    assert!(new.len() >= before + after, "{name}: {given}");
    assert_eq!(old[..before], new[..before], "{name}: {given}");
    assert_eq!(
        old[old.len() - after..],
        new[new.len() - after..],
        "{name}: {given}"
    );
}

/// Another reader finds the new value in its place, and the old values everywhere else.
fn means(old: &str, new: &str, job: &str, path: &[String], value: &str, name: &str) {
    let (Some(old), Some(new)) = (reader::documents(old), reader::documents(new)) else {
        return;
    };
    let whole: Vec<String> = std::iter::once(job.to_owned())
        .chain(path.iter().cloned())
        .collect();
    let place = usize::from(old.len() > 1 && old[0].get("spec").is_some());
    let (found, kept) = (new[place].at(&whole), new[place].without(&whole));
    let is_it = matches!(found, Some(Value::Scalar(text, _)) if text == value);
    assert!(is_it, "{name}: {found:?}");
    // Aliases are written out here: a value that others share is refused before.
    assert!(old[place].without(&whole) == kept, "{name}");
}
