//! Files that real projects rarely have, and GitLab takes.

use std::fmt::Write;

/// Name and text. Each is a whole file without a finding.
pub fn all() -> Vec<(&'static str, String)> {
    let mut all: Vec<(&'static str, String)> = [
        ("header", "spec:\n  inputs:\n    env:\n      default: qa\n---\n# 部署\n\"deploy $[[ inputs.env ]]\":\n  stage: deploy\n  script: [ship]\n"),
        ("marked", "---\n# first\ntest:\n  script: x\n...\n"),
        ("commented mark", "# head\n%YAML 1.1\n--- # here it begins\ntest:\n  script: x\n"),
        ("crlf", "stages:\r\n- a\r\n\r\ntest:\r\n  stage: a\r\n  script:\r\n  - |\r\n    one\r\n    two\r\n"),
        ("mixed line ends", "test:\n  script: x\r\nnext:\r\n  script: y\n"),
        ("byte order mark", "\u{feff}test:\n  script: x\n"),
        ("no final line break", "test:\n  script: x"),
        ("tabs in scalars", "test:\n  script:\n    - |\n      all:\n      \t@echo a\tb\n    - \"a\tb\"\n    - printf 'a\tb' \n  tags: [a]\t# tab before\n"),
        ("chinese", "变量检查:\n  stage: test\n  script:\n    - echo “你好”，世界\n  environment:\n    name: 生产环境\n# 末尾注释\n"),
        ("flow", "test: {script: [a, 'b', \"c\"], needs: [], tags: [x,\n  y,\n]}\n"),
        ("flow file", "{test: {script: a}, \"next\": {script: [b], needs: [test]}}\n"),
        ("quoted keys", "'test: 1':\n  \"script\": x\n\"next # 2\":\n  'script': ['y']\n  needs: ['test: 1']\n"),
        ("comments everywhere", "# a\n\n# b\ntest: # c\n  # d\n  script: # e\n    # f\n    - x # g\n    # h\n    - y\n  # i\n# j\n\n# k\nnext:\n  # l\n  script: z # m\n# n\n"),
        ("anchors", ".a: &a\n  image: x\n.b: &b { tags: [t] }\ntest:\n  <<: [*a, *b]\n  script: &s\n    - x\nnext:\n  <<: *a\n  <<: *b\n  script: *s\n"),
        ("references", ".s:\n  script: [a]\n  rules:\n    - if: $X\ntest:\n  script:\n    - !reference [.s, script]\n    - b\n  rules:\n    - !reference [.s, rules]\n"),
        ("extends", ".a:\n  script: x\n.b:\n  extends: .a\ntest:\n  extends: [.a, .b]\n"),
        ("types of YAML 1.1", "test:\n  script: x\n  allow_failure: yes\n  interruptible: off\n  variables: {A: 0755, B: 1_000, C: 1.5, D: on, E: 0x1F}\n  parallel: 0o17\n"),
        ("texts of several lines", "test:\n  script:\n    - echo\n      one\n      two\n    - 'three\n\n      four'\n    - \"five\\\n      six\"\n  coverage: >-\n    /a/\n"),
        ("quoted texts at the margin", "test: &t\n  script:\n    - 'one\ntwo\n\n three'\n    - \"a\n\tb\\\n  c \\\"d\"\n    - x # y\n  image: 'node'\nnext:\n  script: 'it''s\n here'\n"),
        ("includes", "include:\n  - local: a.yml\nscan:\n  variables: {A: b}\n"),
        ("keys that are no texts", "1:\n  script: x\ntrue:\n  script: y\n3.10:\n  script: z\n"),
        ("names", "pages:\n  script: x\n  artifacts: {paths: [public]}\n\"build 1/3\":\n  script: y\na.b.c:\n  script: z\n"),
        ("explicit keys", "? test\n: script: x\n"),
        ("inputs of a job", "test:\n  script:\n    - echo $[[ inputs.x ]]\n"),
        ("needs", "a:\n  script: x\n  parallel: 3\nb:\n  script: x\n  needs:\n    - job: a\n      artifacts: false\n    - {job: gone, optional: true}\n    - pipeline: $UP\n      job: other\n"),
    ]
    .map(|(name, text)| (name, text.to_owned()))
    .to_vec();
    all.push(("block scalars", block_scalars()));
    all.push(("five thousand lines", many_lines()));
    all
}

/// Every head of a block scalar, before everything that may follow.
fn block_scalars() -> String {
    let mut text = String::new();
    for (index, head) in [
        "|", "|-", "|+", ">", ">-", ">+", "|2", "|2-", "|-2", "|+2", ">2", ">2+", "| # why", ">- # why",
    ]
    .iter()
    .enumerate()
    {
        let _ = write!(
            text,
            "job{index}:\n  script:\n    - {head}\n      first\n\n       second\n      # no comment\n\n\n    - last\n  variables:\n    A: {head}\n      text\n\n# between\n",
        );
    }
    text.push_str("end:\n  script: |+\n    x\n\n\n");
    text
}

/// As long as files get.
pub fn many_lines() -> String {
    let mut text = String::from("stages: [build, test]\n\n");
    for index in 0..625 {
        let _ = write!(
            text,
            "# job {index}\njob-{index}:\n  stage: test\n  image: node:22\n  script:\n    - npm ci\n    - npm test -- --shard {index}\n\n"
        );
    }
    text
}
