//! The stand-in for `buildah` that the runner has on its `PATH`.

use std::path::Path;

use anyhow::Context as _;

const SCRIPT: &str = include_str!("buildah.sh");

/// Writes the program into `<data>/bin` and makes the folders it uses.
pub fn install(data: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let bin = data.join("bin");
    for folder in [&bin, &data.join("registry"), &data.join("images")] {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let path = bin.join("buildah");
    std::fs::write(&path, SCRIPT)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}
