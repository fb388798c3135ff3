//! The page's form and the tables of docs/using.md are made from the program's own settings.

use std::process::Command;

use serde_json::Value;
use skip_ganomaly::settings::config::TrainConfig;
use skip_ganomaly::settings::method::Method;

fn printed(more: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_skip-ganomaly"))
        .arg("schema")
        .args(more)
        .output()
        .expect("the program");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_pages_file_is_what_the_program_prints() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/www/lib/training/schema.json");
    let file = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        file == printed(&[]),
        "www/lib/training/schema.json is stale: scripts/settings.sh writes it"
    );
}

#[test]
fn the_tables_of_the_docs_are_what_the_program_prints() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/using.md");
    let text = std::fs::read_to_string(path).expect("docs/using.md");
    let start = text.find("<!-- settings -->\n\n").expect("a first marker");
    let end = text.find("\n<!-- /settings -->").expect("a last marker");
    let tables = &text[start + "<!-- settings -->\n\n".len()..end];
    assert!(
        tables == printed(&["--markdown"]),
        "the tables of settings in docs/using.md are stale: scripts/settings.sh writes them"
    );
}

#[test]
fn every_setting_comes_with_its_default() {
    let schema: Value = serde_json::from_str(&printed(&[])).expect("JSON");
    let defaults = serde_json::to_value(TrainConfig::default()).expect("settings");
    let settings = schema["settings"].as_array().expect("settings");
    assert_eq!(settings.len(), defaults.as_object().expect("fields").len());
    for setting in settings {
        let field = setting["field"].as_str().expect("a field");
        assert_eq!(setting["default"], defaults[field], "{field}");
        assert_eq!(setting["optional"], defaults[field].is_null(), "{field}");
        let name = setting["name"].as_str().expect("a name");
        let expected = match field {
            "balance" => "normalise",
            "search_steps" => "latent-steps",
            field => &field.replace('_', "-"),
        };
        assert_eq!(name, expected);
        assert!(!setting["help"].as_str().expect("help").is_empty());
        assert_eq!(
            setting["kind"] == "choice",
            setting["choices"][0].is_string()
        );
    }
    let fields: Vec<&Value> = settings.iter().map(|setting| &setting["field"]).collect();
    let methods = schema["methods"].as_array().expect("methods");
    assert_eq!(methods.len(), Method::ALL.len());
    for (told, &method) in methods.iter().zip(Method::ALL) {
        assert_eq!(told["name"], method.as_str());
        assert_eq!(told["in_steps"], method.has_networks());
        assert_eq!(told["searches"], method.optimises_latent());
        assert_eq!(told["marks"], method.marks());
        let used = told["settings"].as_array().expect("settings");
        assert!(used.contains(&"size".into()), "{told}");
        assert_eq!(
            used.contains(&"search_steps".into()),
            method.optimises_latent()
        );
        let published = told["published"].as_object().expect("changes");
        assert!(
            published
                .keys()
                .all(|field| used.contains(&field.as_str().into()))
        );
    }
    for (preset, name) in schema["presets"]
        .as_array()
        .expect("presets")
        .iter()
        .zip(["paper", "memory"])
    {
        assert_eq!(preset["name"], name);
        for field in preset["changes"].as_object().expect("changes").keys() {
            assert!(fields.iter().any(|known| *known == field));
        }
    }
    assert!(
        schema["presets"][0]["changes"]
            .as_object()
            .expect("changes")
            .is_empty()
    );
    assert_eq!(schema["presets"][1]["changes"]["latent"], "memory");
}
