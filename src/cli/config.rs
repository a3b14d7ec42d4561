//! `cloudbuild config show`: every setting, its value, and where that comes from.

use serde::Serialize;

use super::Context;
use super::exit::Exit;
use super::output::Format;
use crate::core::settings::Merged;
use crate::core::settings::value::Value;

/// One setting as `--json` prints it.
#[derive(Debug, Serialize)]
struct Row {
    key: &'static str,
    value: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
}

/// Prints the settings.
pub fn show(ctx: &Context, origin: bool) -> anyhow::Result<Exit> {
    match ctx.output.format {
        Format::Json => ctx.output.document(&serde_json::json!({"settings": rows(&ctx.merged, origin)}))?,
        Format::Text => ctx.output.print(&text(&ctx.merged, origin))?,
    }
    Ok(Exit::Done)
}

fn rows(merged: &Merged, with_origin: bool) -> Vec<Row> {
    let json = |value: &Value| match value {
        Value::Count(count) => (*count).into(),
        Value::Text(_) | Value::Path(_) | Value::Duration(_) => value.to_string().into(),
    };
    merged
        .rows()
        .map(|(key, value, origin)| Row {
            key: key.name,
            value: value.map_or(serde_json::Value::Null, json),
            origin: with_origin.then(|| origin.to_string()),
        })
        .collect()
}

/// Lines as a settings file has them; what is not set is a comment.
fn text(merged: &Merged, with_origin: bool) -> String {
    let lines: Vec<(String, String)> = merged
        .rows()
        .map(|(key, value, origin)| {
            let line = match value {
                None => format!("# {} is not set", key.name),
                Some(Value::Count(count)) => format!("{} = {count}", key.name),
                Some(value @ (Value::Text(_) | Value::Path(_) | Value::Duration(_))) => {
                    format!("{} = {}", key.name, toml::Value::String(value.to_string()))
                }
            };
            (line, origin.to_string())
        })
        .collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    let shown = lines.into_iter().map(|(line, origin)| match with_origin {
        true => format!("{line:width$}  # {origin}"),
        false => line,
    });
    shown.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::settings::{Person, file, merge};

    fn person() -> Person {
        Person { root: true, home: None, cache_home: None }
    }

    fn merged() -> Merged {
        let text = "slots = 2\napt_root = \"/a \\\"b\\\"\"\n";
        let layer = file::read("/etc/cloudbuild/config.toml".as_ref(), text, &person()).expect("right");
        merge(&person(), [layer]).expect("right")
    }

    #[test]
    fn each_value_is_shown_with_its_origin() {
        let text = text(&merged(), true);
        let lines: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert!(lines.contains(&"slots = 2 # /etc/cloudbuild/config.toml:1".to_owned()), "{text}");
        assert!(lines.contains(&"cache_dir = \"/var/cache/cloudbuild\" # default".to_owned()), "{text}");
    }

    #[test]
    fn what_is_shown_is_a_settings_file_that_says_the_same() {
        let again = file::read("/x/config.toml".as_ref(), &text(&merged(), true), &person()).expect("it is TOML");
        let again = merge(&person(), [again]).expect("right");
        let values = |merged: &Merged| merged.rows().map(|(_, value, _)| value.cloned()).collect::<Vec<_>>();
        assert_eq!(values(&again), values(&merged()));
    }

    #[test]
    fn json_has_numbers_as_numbers_and_the_origin_when_asked() {
        let rows = serde_json::to_value(rows(&merged(), true)).expect("plain data");
        assert_eq!(rows[2], serde_json::json!({"key": "slots", "value": 2, "origin": "/etc/cloudbuild/config.toml:1"}));
    }
}
