//! Puts a command line in the order that clap reads: `cloudbuild x.lua --package zlib --json` becomes
//! `cloudbuild run --json -- x.lua --package zlib`.
//!
//! After a recipe, flags of ours are ours and all others are the recipe's; clap alone can only give it all or nothing.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The flags that a command takes, and whether each takes a value.
#[derive(Debug, Default)]
pub struct Flags {
    long: BTreeMap<String, bool>,
    short: BTreeMap<char, bool>,
}

/// What a word of the command line is.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    /// A flag of ours, complete.
    Flag,
    /// A flag of ours; the next word is its value.
    FlagBeforeValue,
    /// A flag that is not ours.
    Foreign,
    /// `--`
    End,
    /// No flag.
    Plain,
}

impl Flags {
    /// The flags of a command that was built.
    pub fn of(command: &clap::Command) -> Flags {
        let mut flags = Flags::default();
        for argument in command.get_arguments() {
            let takes_value = argument.get_action().takes_values();
            let long = argument.get_long().into_iter().chain(argument.get_all_aliases().into_iter().flatten());
            flags.long.extend(long.map(|name| (name.to_owned(), takes_value)));
            flags.short.extend(argument.get_short().map(|letter| (letter, takes_value)));
        }
        flags
    }

    /// The long names.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.long.keys().cloned()
    }

    fn word(&self, word: &OsStr) -> Word {
        let Some(text) = word.to_str() else { return Word::Plain };
        if text == "--" {
            return Word::End;
        }
        if let Some(name) = text.strip_prefix("--") {
            let (name, has_value) = name.split_once('=').map_or((name, false), |(name, _)| (name, true));
            return match self.long.get(name) {
                None => Word::Foreign,
                Some(true) if !has_value => Word::FlagBeforeValue,
                Some(_) => Word::Flag,
            };
        }
        match text.strip_prefix('-') {
            Some(letters) if !letters.is_empty() => {
                let ours = letters.chars().all(|letter| self.short.get(&letter) == Some(&false));
                if ours { Word::Flag } else { Word::Foreign }
            }
            _ => Word::Plain,
        }
    }

    /// Takes our flags from the front of `words` into `flags`; answers the first word that is none of them.
    fn take(&self, words: &mut impl Iterator<Item = OsString>, flags: &mut Vec<OsString>) -> Option<(OsString, Word)> {
        while let Some(word) = words.next() {
            match self.word(&word) {
                Word::Flag => flags.push(word),
                Word::FlagBeforeValue => {
                    flags.push(word);
                    flags.extend(words.next());
                }
                kind @ (Word::Foreign | Word::End | Word::Plain) => return Some((word, kind)),
            }
        }
        None
    }
}

/// A command line as clap reads it.
pub struct Arranged {
    /// The program's name first.
    pub line: Vec<OsString>,
    /// The recipe that it is about, if it is about one.
    pub recipe: Option<PathBuf>,
}

/// Arranges a command line, the program's name first; what is not understood is left to clap as it is.
pub fn arrange(command: &clap::Command, arguments: Vec<OsString>, is_file: &dyn Fn(&Path) -> bool) -> Arranged {
    arranged(command, &arguments, is_file).unwrap_or(Arranged { line: arguments, recipe: None })
}

fn arranged(command: &clap::Command, arguments: &[OsString], is_file: &dyn Fn(&Path) -> bool) -> Option<Arranged> {
    let mut words = arguments.iter().cloned();
    let mut line = vec![words.next()?];
    let (mut first, Word::Plain) = Flags::of(command).take(&mut words, &mut line)? else { return None };
    let mut named = command.get_subcommands().find(|subcommand| *subcommand.get_name() == *first);
    // A command of a command, such as `recipe check`.
    while let Some(group) = named.filter(|group| group.has_subcommands()) {
        line.push(first);
        let (word, Word::Plain) = Flags::of(group).take(&mut words, &mut line)? else { return None };
        first = word;
        named = Some(group.find_subcommand(&first)?);
    }
    let taker = match named {
        Some(subcommand) if subcommand.get_positionals().any(|positional| positional.is_trailing_var_arg_set()) => {
            subcommand
        }
        Some(_) => return None,
        None if looks_like_a_recipe(&first, is_file) => command.find_subcommand("run")?,
        None => return None,
    };
    let flags = Flags::of(taker);
    line.push(taker.get_name().into());
    let recipe = match named {
        None => first,
        Some(_) => match flags.take(&mut words, &mut line)? {
            (recipe, Word::Plain) => recipe,
            (_, Word::Flag | Word::FlagBeforeValue | Word::Foreign | Word::End) => return None,
        },
    };
    let mut own = Vec::new();
    while let Some((word, kind)) = flags.take(&mut words, &mut line) {
        match kind {
            Word::End => {
                own.extend(words);
                break;
            }
            Word::Plain | Word::Foreign | Word::Flag | Word::FlagBeforeValue => own.push(word),
        }
    }
    let path = PathBuf::from(&recipe);
    line.extend(["--".into(), recipe]);
    line.extend(own);
    Some(Arranged { line, recipe: Some(path) })
}

/// Whether a first word that is no command means `run`.
fn looks_like_a_recipe(word: &OsStr, is_file: &dyn Fn(&Path) -> bool) -> bool {
    let path = Path::new(word);
    path.extension().is_some_and(|extension| extension == "lua") || is_file(path)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::args::{Cli, Command, Parsed, RecipeArgument, asks_for_json, parse, reserved_names};
    use super::super::exit::{Failure, exit_of, told};

    fn words(line: &str) -> Vec<std::ffi::OsString> {
        std::iter::once("cloudbuild").chain(line.split_whitespace()).map(Into::into).collect()
    }

    fn cli(line: &str) -> Cli {
        match parse(words(line), &|path| path.ends_with("a-file")) {
            Ok(Parsed::Cli(cli)) => *cli,
            other => panic!("`{line}` is a command, got {other:?}"),
        }
    }

    fn refusal(line: &str) -> String {
        let error = parse(words(line), &|_| false).expect_err("must be refused");
        assert_eq!(exit_of(&error).code(), 2);
        let told = told(&error);
        format!("{}\n{}", told.chain.join(": "), told.hints.join("\n"))
    }

    /// The recipe, its arguments, and whether JSON was asked for.
    fn recipe(line: &str) -> (String, Result<Vec<RecipeArgument>, Failure>, bool) {
        let cli = cli(line);
        let Command::Run(args) = &cli.command else { panic!("`{line}` runs a recipe") };
        (args.recipe.recipe.display().to_string(), args.recipe.pairs(), cli.global.json)
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
        let help = Cli::command().render_long_help().to_string();
        assert!(!help.contains("daemon") && help.contains("Exit codes:"), "{help}");
        let documented = |command: &clap::Command| {
            command.get_arguments().all(|argument| argument.get_help().is_some()) && command.get_about().is_some()
        };
        for command in Cli::command().get_subcommands() {
            assert!(documented(command), "{} and its flags have help", command.get_name());
        }
    }

    #[test]
    fn a_recipe_without_a_command_is_run() {
        assert_eq!(recipe("recipes/x.lua").0, "recipes/x.lua");
        assert_eq!(recipe("--setup --state /s a-file").0, "a-file");
        assert_eq!(recipe("run a-file").0, "a-file");
    }

    #[test]
    fn after_a_recipe_our_flags_are_ours_and_others_are_the_recipes() {
        let line = "x.lua --package zlib --json --fast --level -5 --package=gcc --slots 3 -v";
        let (path, pairs, json) = recipe(line);
        let pairs = pairs.expect("all are pairs");
        let text: Vec<String> = pairs
            .iter()
            .map(|RecipeArgument { name, value }| format!("{name}={}", value.as_deref().unwrap_or("(on)")))
            .collect();
        assert_eq!((path.as_str(), json), ("x.lua", true));
        assert_eq!(text, ["package=zlib", "fast=(on)", "level=-5", "package=gcc"]);
        assert_eq!(cli(line).flags(), [("slots", "--slots", "3")]);
    }

    #[test]
    fn after_two_dashes_everything_is_the_recipes() {
        let (_, pairs, json) = recipe("run x.lua -- --json yes");
        let expected = RecipeArgument { name: "json".to_owned(), value: Some("yes".to_owned()) };
        assert_eq!(pairs.expect("pairs"), [expected]);
        assert!(!json && !asks_for_json(&words("run x.lua -- --json yes")));
    }

    #[test]
    fn a_word_that_belongs_to_no_argument_of_the_recipe_is_refused() {
        let error = recipe("x.lua zlib").1.expect_err("what is zlib?");
        assert_eq!(error.message, "expected `--NAME VALUE` after the recipe, got `zlib`");
    }

    #[test]
    fn an_unknown_word_gets_the_nearest_command() {
        let text = refusal("statsu");
        assert_eq!(text, "expected a recipe or a command, got `statsu`\ndid you mean `cloudbuild status`?");
        assert!(refusal("zzz").contains("ends in `.lua`"));
    }

    #[test]
    fn help_is_shown_when_it_is_asked_for_and_when_nothing_is() {
        for (line, asked) in [("", false), ("config", false), ("--help", true), ("run --help", true), ("-V", true)] {
            match parse(words(line), &|_| false) {
                Ok(Parsed::Help(help)) => assert_eq!(!help.use_stderr(), asked, "{line}"),
                other => panic!("`{line}` shows help, got {other:?}"),
            }
        }
    }

    #[test]
    fn help_after_a_recipe_is_the_recipes() {
        for line in ["x.lua --help", "run x.lua --package zlib -h", "plan --help x.lua"] {
            match parse(words(line), &|_| false) {
                Ok(Parsed::RecipeHelp(recipe)) => assert_eq!(recipe.to_str(), Some("x.lua"), "{line}"),
                other => panic!("`{line}` shows the recipe's help, got {other:?}"),
            }
        }
    }

    #[test]
    fn what_clap_refuses_is_told_in_our_form() {
        let text = refusal("status --jsn");
        assert_eq!(text, "unexpected argument `--jsn` found\na similar argument exists: `--json`");
        let text = refusal("logs");
        assert!(text.starts_with("the following required arguments were not provided: <PACKAGE>\n"), "{text}");
        let text = refusal("run --foo x.lua");
        assert!(text.starts_with("unexpected argument `--foo` found"), "{text}");
    }

    #[test]
    fn the_daemon_takes_slots_cache_and_user_as_settings() {
        let cli = cli("daemon --control-file /c --name here --slots 2 --cache /cache --build-user ann");
        let expected =
            [("cache_dir", "--cache-dir", "/cache"), ("slots", "--slots", "2"), ("build_user", "--build-user", "ann")];
        assert_eq!(cli.flags(), expected);
        let layer = crate::core::settings::read_flags(cli.flags(), "/".as_ref(), &Default::default());
        assert_eq!(layer.expect("settings exist for all of them").given.len(), 3);
    }

    #[test]
    fn a_recipe_may_not_have_arguments_named_like_our_flags() {
        let names = reserved_names();
        for name in [
            "state",
            "json",
            "setup",
            "verbose",
            "quiet",
            "cache-dir",
            "slots",
            "follow",
            "restart",
            "adopt",
            "help",
            "version",
        ] {
            assert!(names.iter().any(|reserved| reserved == name), "{name} is ours");
        }
    }
}
