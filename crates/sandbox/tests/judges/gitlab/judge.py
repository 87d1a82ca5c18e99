"""Drives the sandbox's GitLab with python-gitlab, unchanged: what it reads must be what GitLab would say."""

import sys
import time

import gitlab


def wait_for(what, probe, seconds=60):
    """Polls until the probe answers something true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s for {what}")


CONFIG = """
stages: [build, test, image, deploy]
variables:
  GREETING: hello
build:
  stage: build
  script:
    - echo "$GREETING from $CI_PROJECT_PATH at $CI_COMMIT_SHORT_SHA"
    - mkdir -p out && echo built > out/result.txt
    - echo "VERSION=1.2.3" > build.env
  artifacts:
    paths: [out/]
    reports:
      dotenv: build.env
test:
  stage: test
  needs: [build]
  coverage: '/covered (\\d+)%/'
  script:
    - test "$(cat out/result.txt)" = built
    - test "$VERSION" = 1.2.3
    - echo "covered 87%"
    - echo "the secret is $SECRET_TOKEN"
    - npm run lint && npm test
build-image:
  stage: image
  script:
    - buildah login -u "$CI_REGISTRY_USER" -p "$CI_REGISTRY_PASSWORD" "$CI_REGISTRY"
    - buildah build --build-arg VERSION=$VERSION -t "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA" .
    - buildah push --digestfile image.digest "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA"
  artifacts:
    paths: [image.digest]
deploy:
  stage: deploy
  when: manual
  environment:
    name: dev
    url: https://dev.example.com
  script: echo deployed
"""


def projects(gl):
    names = [project.path_with_namespace for project in gl.projects.list(iterator=True)]
    assert "acme/order-api" in names and "acme/empty-repo" in names, names
    keyset = gl.projects.list(pagination="keyset", order_by="id", sort="asc", per_page=2, iterator=True)
    assert len([project.id for project in keyset]) == len(names)
    assert [p.path for p in gl.projects.list(search="ledger", get_all=True)] == ["ledger"]
    project = gl.projects.get("acme/order-api")
    assert gl.projects.get(project.id).path_with_namespace == "acme/order-api"
    assert project.default_branch == "main" and not project.empty_repo
    languages = project.languages()
    assert max(languages, key=languages.get) == "JavaScript", languages
    empty = gl.projects.get("acme/empty-repo")
    assert empty.empty_repo and empty.commits.list(get_all=True) == []
    try:
        empty.files.get("README.md", ref="main")
        raise AssertionError("an empty repository has no files")
    except gitlab.GitlabGetError as error:
        assert error.response_code == 404
    try:
        gl.projects.get("acme/none")
        raise AssertionError("a project that does not exist")
    except gitlab.GitlabGetError as error:
        assert error.response_code == 404 and "404 Project Not Found" in str(error)
    made = gl.projects.create({"name": "Scratch pad", "initialize_with_readme": True})
    assert made.path == "scratch-pad" and made.files.get("README.md", ref="main").decode() == b"# Scratch pad\n"
    made.delete()
    return project


def repository(project):
    tree = project.repository_tree(recursive=True, get_all=True)
    paths = {entry["path"] for entry in tree}
    assert {"src", "src/server.js", "package.json"} <= paths, paths
    file = project.files.get("package.json", ref="main")
    assert b'"order-api"' in file.decode()
    assert project.files.raw("package.json", ref="main") == file.decode()
    branch = project.branches.create({"branch": "topic", "ref": "main"})
    assert branch.commit["id"] == project.branches.get("main").commit["id"]
    commit = project.commits.create(
        {
            "branch": "topic",
            "commit_message": "Add notes\n\nTwo files.",
            "actions": [
                {"action": "create", "file_path": "notes/a.txt", "content": "one\n"},
                {"action": "create", "file_path": "notes/b.bin", "content": "AAEC", "encoding": "base64"},
                {"action": "update", "file_path": "README.md", "content": "# Order API\n"},
            ],
        }
    )
    assert commit.title == "Add notes" and commit.stats["deletions"] > 0
    assert project.files.raw("notes/b.bin", ref="topic") == b"\x00\x01\x02"
    assert {diff["new_path"] for diff in commit.diff(get_all=True)} == {"notes/a.txt", "notes/b.bin", "README.md"}
    file = project.files.get("notes/a.txt", ref="topic")
    file.content = "two\n"
    file.save(branch="topic", commit_message="Change a note")
    try:
        project.files.update(
            "notes/a.txt",
            {"branch": "topic", "content": "x", "commit_message": "x", "last_commit_id": commit.parent_ids[0]},
        )
        raise AssertionError("a stale last_commit_id")
    except gitlab.GitlabUpdateError as error:
        assert error.response_code == 400
    compared = project.repository_compare("main", "topic")
    assert len(compared["commits"]) == 2 and len(compared["diffs"]) == 3
    listed = project.commits.list(ref_name="topic", per_page=1, get_all=False)
    assert len(listed) == 1 and listed[0].title == "Change a note"
    tag = project.tags.create({"tag_name": "v0.1.0", "ref": "main", "message": "first"})
    assert tag.message == "first" and tag.target != tag.commit["id"]
    for number in range(25):
        project.branches.create({"branch": f"many/{number:02}", "ref": "main"})
    first = project.branches.list(page=1, per_page=10, get_all=False)
    assert len(first) == 10
    assert len(project.branches.list(get_all=True)) >= 27
    pager = project.branches.list(iterator=True, per_page=10, search="many")
    assert pager.total == 25 and pager.total_pages == 3 and len(list(pager)) == 25
    project.branches.delete("many/00")


def merge_requests(project):
    request = project.mergerequests.create(
        {"source_branch": "topic", "target_branch": "main", "title": "Notes", "labels": ["docs"], "remove_source_branch": True}
    )
    assert request.state == "opened" and request.detailed_merge_status == "mergeable", request.detailed_merge_status
    assert request.labels == ["docs"] and len(request.changes()["changes"]) == 3
    assert [commit.title for commit in request.commits()] == ["Change a note", "Add notes"]
    note = request.notes.create({"body": "Looks good"})
    assert request.notes.list(get_all=True)[0].body == note.body
    try:
        project.mergerequests.create({"source_branch": "topic", "target_branch": "main", "title": "Again"})
        raise AssertionError("a second request for the same branch")
    except gitlab.GitlabCreateError as error:
        assert error.response_code == 409
    try:
        request.merge(sha="0" * 40)
        raise AssertionError("a stale sha")
    except gitlab.GitlabMRClosedError as error:
        assert error.response_code == 409
    request.title = "Draft: Notes"
    request.save()
    try:
        request.merge()
        raise AssertionError("a draft")
    except gitlab.GitlabMRClosedError as error:
        assert error.response_code == 405
    request.title = "Notes for all"
    request.save()
    request.merge(sha=request.sha)
    merged = project.mergerequests.get(request.iid)
    assert merged.state == "merged" and merged.merge_commit_sha
    assert b"two" in project.files.raw("notes/a.txt", ref="main")
    assert "topic" not in [branch.name for branch in project.branches.list(get_all=True)]


def variables(project):
    project.variables.create({"key": "SECRET_TOKEN", "value": "correct-horse-battery", "masked": True})
    assert project.variables.get("SECRET_TOKEN").masked
    plain = project.variables.create({"key": "PLAIN", "value": "1"})
    plain.value = "2"
    plain.save()
    assert project.variables.get("PLAIN").value == "2"
    plain.delete()
    assert [variable.key for variable in project.variables.list(get_all=True)] == ["SECRET_TOKEN"]


def pipelines(project):
    lint = project.ci_lint.create({"content": CONFIG, "include_jobs": True})
    assert lint.valid and [job["name"] for job in lint.jobs] == ["build", "test", "build-image", "deploy"], lint.errors
    wrong = project.ci_lint.create({"content": "build:\n  scrpt: x\n"})
    assert not wrong.valid and "jobs:build config contains unknown keys: scrpt" in wrong.errors, wrong.errors
    project.files.create(
        {"file_path": ".gitlab-ci.yml", "branch": "main", "content": CONFIG, "commit_message": "Add the pipeline"}
    )
    pipeline = project.pipelines.list(get_all=True)[0]
    assert pipeline.source == "push" and pipeline.ref == "main"
    wait_for("the pipeline", lambda: project.pipelines.get(pipeline.id).status in ("success", "manual", "failed"))
    jobs = {job.name: job for job in pipeline.jobs.list(get_all=True)}
    traces = {name: project.jobs.get(job.id).trace().decode() for name, job in jobs.items() if name != "deploy"}
    assert {name: job.status for name, job in jobs.items()} == {
        "build": "success",
        "test": "success",
        "build-image": "success",
        "deploy": "manual",
    }, traces
    assert "hello from acme/order-api" in traces["build"] and "section_start:" in traces["build"]
    assert "[MASKED]" in traces["test"] and "correct-horse-battery" not in traces["test"]
    assert jobs["test"].coverage == 87.0
    digest = project.jobs.get(jobs["build-image"].id).artifact("image.digest").decode().strip()
    assert digest.startswith("sha256:") and len(digest) == 71, digest
    repository = project.repositories.list(get_all=True)[0]
    tag = repository.tags.list(get_all=True)[0]
    assert repository.tags.get(tag.name).digest == digest
    assert project.pipelines.get(pipeline.id).status == "success"
    project.jobs.get(jobs["deploy"].id).play()
    wait_for("the deployment job", lambda: project.jobs.get(jobs["deploy"].id).status == "success")
    environment = project.environments.list(name="dev", get_all=True)[0]
    assert environment.external_url == "https://dev.example.com"
    deployment = project.deployments.list(environment="dev", get_all=True)[0]
    assert deployment.status == "success" and deployment.deployable["name"] == "deploy"
    slow = project.pipelines.create({"ref": "main", "variables": [{"key": "GREETING", "value": "bye"}]})
    slow.cancel()
    wait_for("the cancel", lambda: project.pipelines.get(slow.id).status == "canceled")
    slow.retry()
    wait_for("the retry", lambda: project.pipelines.get(slow.id).status == "success")
    built = [job for job in project.pipelines.get(slow.id).jobs.list(get_all=True) if job.name == "build"][0]
    assert "bye from" in project.jobs.get(built.id).trace().decode()


def environments(project):
    environment = project.environments.create({"name": "review/x", "external_url": "https://x.example.com"})
    assert environment.slug == "review-x"
    sha = project.branches.get("main").commit["id"]
    deployment = project.deployments.create(
        {"environment": "qa", "sha": sha, "ref": "main", "tag": False, "status": "running"}
    )
    deployment.status = "success"
    deployment.save()
    assert project.deployments.get(deployment.id).status == "success"
    environment.stop()
    project.environments.delete(environment.id)


def issues(project):
    issue = project.issues.create({"title": "Totals are wrong", "labels": ["bug"], "description": "See **orders**."})
    issue.notes.create({"body": "Confirmed"})
    issue.state_event = "close"
    issue.save()
    assert project.issues.get(issue.iid).state == "closed"
    issue.state_event = "reopen"
    issue.save()
    assert [found.iid for found in project.issues.list(state="opened", labels=["bug"], get_all=True)] == [issue.iid]
    assert any(label.name == "bug" for label in project.labels.list(get_all=True))
    before = project.issues.get(issue.iid)
    issue.notes.create({"body": "A note touches the issue"})
    touched = project.issues.get(issue.iid)
    assert touched.updated_at > before.updated_at and touched.user_notes_count == 2
    changed = project.issues.list(updated_after=touched.updated_at, order_by="updated_at", sort="asc", get_all=True)
    assert [found.iid for found in changed] == [issue.iid]
    issue.due_date, issue.add_labels, issue.remove_labels = "2026-12-24", "urgent", "bug"
    issue.assignee_ids, issue.title = [issue.author["id"]], "Totals are right"
    issue.save()
    again = project.issues.get(issue.iid)
    assert (again.due_date, again.labels, again.title) == ("2026-12-24", ["urgent"], "Totals are right")
    assert [one["id"] for one in again.assignees] == [issue.author["id"]]
    again.due_date, again.assignee_ids = "", [0]
    again.save()
    again = project.issues.get(issue.iid)
    assert again.due_date is None and again.assignees == []
    notes = issue.notes.list(sort="asc", order_by="created_at", get_all=True)
    assert [note.system for note in notes] == [False, False, True]
    assert notes[2].body == "changed title from **Totals are wrong** to **Totals are right**"
    notes[0].body = "Confirmed twice"
    notes[0].save()
    assert issue.notes.get(notes[0].id).body == "Confirmed twice"
    assert issue.notes.create({"body": "hush", "internal": True}).internal


def hooks(project):
    hook = project.hooks.create({"url": "http://127.0.0.1:9/hook", "push_events": False, "pipeline_events": True, "token": "t"})
    assert hook.pipeline_events and not hook.push_events and not hasattr(hook, "token")
    hook.job_events = True
    hook.save()
    assert project.hooks.get(hook.id).job_events
    hook.delete()
    assert project.hooks.list(get_all=True) == []


def main(url, token):
    gl = gitlab.Gitlab(url, private_token=token, api_version="4")
    gl.auth()
    assert gl.user.username == "root" and gl.version()[0].startswith("18.")
    assert gl.personal_access_tokens.get("self").active
    try:
        gitlab.Gitlab(url, private_token="wrong").auth()
        raise AssertionError("a wrong token")
    except gitlab.GitlabAuthenticationError as error:
        assert error.response_code == 401
    project = projects(gl)
    for step in (repository, merge_requests, variables, pipelines, environments, issues, hooks):
        step(project)
        print(f"ok {step.__name__}", flush=True)
    assert gl.groups.get("acme").projects.list(get_all=True)
    print("python-gitlab is content")


if __name__ == "__main__":
    main(*sys.argv[1:])
