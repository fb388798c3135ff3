//! What the tests of the program share: running it, reading what it says, images to give it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};
use serde_json::Value;
use skip_ganomaly::data::folder::Folder;
use skip_ganomaly::model_file::ModelFile;
use tempfile::TempDir;

pub const FAILED: i32 = 1;
pub const WRONG_COMMAND_LINE: i32 = 2;
pub const SOME_SKIPPED: i32 = 3;
pub const INTERRUPTED: i32 = 130;

/// Files of a run.
pub const RUN_FILES: [&str; 5] = [
    "checkpoint.safetensors",
    "events.jsonl",
    "model.safetensors",
    "report.html",
    "run.json",
];

pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_skip-ganomaly"))
}

pub fn solar_ir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("www/samples/solar-ir")
}

pub fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The smallest net, grey.
pub const TINY: [&str; 10] = [
    "--size",
    "32",
    "--channels",
    "1",
    "--width",
    "2",
    "--features",
    "20",
    "--learning-rate",
    "0.002",
];

pub fn train(data: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = program();
    command.arg("train").arg("--data").arg(data);
    command.arg("--out").arg(out).args(TINY).args(more);
    command
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Runs a command that must end with `code`; gives stdout and stderr.
pub fn run(command: &mut Command, code: i32) -> (String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    assert_eq!(status.code(), Some(code), "{command:?}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

/// Runs a command that must fail; its message must hold all of `words`.
pub fn refused(command: &mut Command, words: &[&str]) {
    let (stdout, stderr) = run(command, FAILED);
    assert_eq!(stdout, "", "a failure leaves stdout empty");
    for word in words {
        assert!(stderr.contains(word), "{word:?} is not in: {stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

pub fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

pub fn json_lines(lines: &str) -> Vec<Value> {
    lines.lines().map(json).collect()
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

pub fn assert_close(what: &str, got: f64, expected: f64) {
    assert!(
        (got - expected).abs() <= 1e-6 * expected.abs(),
        "{what}: got {got}, expected {expected}"
    );
}

/// One tiny run that most tests share.
pub struct Trained {
    /// Contents of every file of the run.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What `--json` printed.
    pub summary: String,
}

impl Trained {
    pub fn text(&self, file: &str) -> String {
        text(&self.files[file])
    }

    pub fn model(&self) -> ModelFile {
        ModelFile::from_bytes(&self.files["model.safetensors"]).expect("a whole model file")
    }
}

pub static TRAINED: LazyLock<Trained> = LazyLock::new(|| {
    let folder = temporary();
    let out = folder.path().join("run");
    let more = [
        "--batch",
        "16",
        "--epochs",
        "2",
        "--licence",
        "MIT",
        "--json",
    ];
    let (summary, _) = run(&mut train(&solar_ir(), &out, &more), 0);
    let files = fs::read_dir(&out).expect("the run's folder").map(|entry| {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read(entry.path()).expect("a readable file"))
    });
    Trained {
        files: files.collect(),
        summary,
    }
});

/// A folder with the shared model in it.
pub fn with_model() -> (TempDir, PathBuf) {
    let folder = temporary();
    let model = folder.path().join("model.safetensors");
    fs::write(&model, &TRAINED.files["model.safetensors"]).expect("a written model");
    (folder, model)
}

/// Some test images, normal and abnormal, in no special order.
pub fn some_pictures() -> Vec<PathBuf> {
    let folder = Folder::open(&solar_ir()).expect("the sample images");
    let normal = folder.test.iter().filter(|sample| !sample.abnormal).take(4);
    let abnormal = folder.test.iter().filter(|sample| sample.abnormal);
    let chosen = normal.chain(abnormal.step_by(9));
    let mut paths: Vec<PathBuf> = chosen.map(|sample| sample.path().to_path_buf()).collect();
    paths.rotate_left(3);
    paths
}

pub fn score(model: &Path, paths: &[PathBuf], more: &[&str]) -> Command {
    let mut command = program();
    command.arg("score").arg("--model").arg(model);
    command.args(paths).args(more);
    command
}

pub fn scored(model: &Path, paths: &[PathBuf], more: &[&str]) -> Vec<Value> {
    let more = [more, &["--json"]].concat();
    json_lines(&run(&mut score(model, paths, &more), 0).0)
}

pub fn paths_of(rows: &[Value]) -> Vec<PathBuf> {
    let path = |row: &Value| PathBuf::from(row["path"].as_str().expect("a path"));
    rows.iter().map(path).collect()
}

/// Coloured stripes, shifted from image to image; a bright square where it is abnormal.
pub fn picture(number: u32, abnormal: bool) -> RgbImage {
    RgbImage::from_fn(40, 36, |x, y| {
        if abnormal && (12..24).contains(&x) && (12..24).contains(&y) {
            return Rgb([255, 255, 0]);
        }
        let stripe = ((x + 2 * y + 3 * number) % 16) as u8;
        Rgb([8 * stripe, 10 * stripe, 40])
    })
}

pub fn save(picture: &RgbImage, path: &Path) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
    picture.save(path).expect("a written image");
}

/// A program that is ended when a test fails.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status()
        .expect("the program `kill`");
    assert!(status.success());
}

pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "no sign of {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
