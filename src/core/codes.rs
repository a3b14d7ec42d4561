//! The kinds of errors of recipes, each with a short code and an explanation: the one table of them.

mod reading;
mod running;

use std::fmt;

/// Declares the codes: what each is about, its one text form, and what it says in a few words.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $text:literal $title:literal;)*) => {
        /// A kind of error of a recipe.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// Its one text form.
            pub fn text(self) -> &'static str {
                match self { $(Code::$name => $text),* }
            }

            /// The code of that text.
            pub fn of_text(text: &str) -> Option<Code> {
                Code::ALL.iter().copied().find(|code| code.text() == text)
            }

            /// What it says, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title),* }
            }
        }
    };
}

codes! {
    /// The file is not there, or is no file.
    Unreadable "E0101" "the recipe's file cannot be read";
    /// Bytecode, other encodings, far too much text.
    NotText "E0102" "the file is no Lua source text";
    /// Lua does not understand it.
    Syntax "E0103" "syntax error";
    /// The file returned something else.
    NoRecipe "E0104" "the file returns no recipe";
    /// A file that may not be required, or is not there.
    Require "E0105" "a required file cannot be had";
    /// Files that need each other.
    RequireLoop "E0106" "a required file needs itself";
    /// A required file without a value.
    RequireNothing "E0107" "a required file returns nothing";
    /// Not of the type, or not in the range, that was declared.
    #[default]
    Value "E0201" "a value is not what is expected";
    /// A key that a table does not take.
    UnknownOption "E0202" "an option that is not known";
    /// An option that has no default.
    MissingOption "E0203" "an option is missing";
    /// A member of `cb`, or of one of its values.
    UnknownName "E0204" "a name that `cb` or its value does not have";
    /// A colon instead of a dot, no table, two tables.
    WrongCall "E0205" "a call is not written as it has to be";
    /// The same name or build twice.
    Twice "E0206" "something is there twice that may be there once";
    /// More entries or values than any recipe needs.
    TooMany "E0207" "more than any recipe needs";
    /// Functions, cycles, NaN.
    NotPlain "E0208" "a result is no plain value";
    /// A global that nobody declared.
    Undefined "E0301" "a name is not defined";
    /// Globals are closed.
    Assigned "E0302" "a global is assigned";
    /// The clock, files, the environment.
    Absent "E0303" "not there for recipes";
    /// Values of `cb`, and libraries.
    ReadOnly "E0304" "what cannot be changed is changed";
    /// While the file is only read.
    NotActing "E0305" "a primitive is called outside of `run`";
    /// Calls and turns of loops.
    Budget "E0401" "the recipe does not end";
    /// The backstop.
    WallTime "E0402" "the recipe takes too long between two primitives";
    /// Of the VM.
    Memory "E0403" "the recipe uses too much memory";
    /// `print`.
    Printed "E0404" "the recipe prints too much";
    /// Calls in calls.
    Depth "E0405" "calls are nested too deep";
    /// What Lua says itself, and what a recipe raises.
    Runtime "E0501" "the recipe's own code failed";
    /// `error({})`.
    RaisedNoText "E0502" "an error that is no text";
    /// `--nmae`.
    UnknownArgument "E0601" "an argument that the recipe does not take";
    /// Required, and not given.
    MissingArgument "E0602" "an argument of the recipe is missing";
    /// `--most many`.
    ArgumentValue "E0603" "an argument is not of its type";
    /// `args = { state = ... }`.
    ReservedArgument "E0604" "an argument has the name of a flag";
    /// Packages that the suites do not have.
    Selection "E0701" "packages that cannot be chosen";
    /// What makes no sense, or cannot be.
    Refused "E0702" "a primitive refuses what it is asked for";
    /// An archive that is somebody else's, or would have two files of one name.
    Publish "E0703" "the archive cannot be published like that";
    /// While its run was unfinished.
    Edited "E0801" "the recipe was edited while its run is unfinished";
    /// Another call than the journal has.
    Diverged "E0802" "the run asks for something else than it did before";
    /// Since a plan was saved.
    PlanMoved "E0803" "the recipe is not the one that was planned";
    /// Of another version.
    Stdlib "E0901" "stdlib does not match this program";
}

/// An example, as somebody would write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    /// The text of a recipe.
    Recipe(&'static str),
    /// A line of a recipe, where the whole would hide what it is about, or another file.
    Part(&'static str),
    /// A command line.
    Command(&'static str),
}

/// What `cloudbuild help CODE` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    /// What it means, in whole sentences.
    pub means: &'static str,
    /// What is wrong.
    pub wrong: Example,
    /// The same, mended.
    pub right: Example,
}

impl Code {
    /// The code with this text form, in any case.
    pub fn find(text: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.text().eq_ignore_ascii_case(text))
    }

    /// What it means, at length.
    pub fn explained(self) -> Explained {
        let mut all = reading::EXPLAINED.iter().chain(running::EXPLAINED);
        all.find(|(code, _)| *code == self).map(|(_, explained)| *explained).expect("a test looks for each code")
    }

    /// What `cloudbuild help CODE` prints.
    pub fn help(self) -> String {
        let Explained { means, wrong, right } = self.explained();
        format!("{self}: {}\n\n{means}\n\nWrong:\n\n{wrong}\nRight:\n\n{right}", self.title())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl Example {
    /// Its text.
    pub fn text(self) -> &'static str {
        match self {
            Example::Recipe(text) | Example::Part(text) | Example::Command(text) => text,
        }
    }
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().lines().try_for_each(|line| match line {
            "" => writeln!(f),
            line => writeln!(f, "    {line}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_and_has_a_number_of_its_own() {
        let mut texts: Vec<&str> = Code::ALL.iter().map(|code| code.text()).collect();
        assert!(texts.is_sorted());
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
        for code in Code::ALL {
            let Explained { means, wrong, right } = code.explained();
            assert!(means.len() > 60 && means.ends_with('.'), "{code}: {means}");
            assert!(wrong != right && !wrong.text().is_empty() && !right.text().is_empty(), "{code}");
            assert!(means.lines().all(|line| line.len() <= 106), "{code}");
            assert_eq!(Code::find(&code.text().to_lowercase()), Some(*code));
        }
    }

    #[test]
    fn help_shows_what_is_wrong_and_what_is_right() {
        assert_eq!(
            Code::Assigned.help(),
            "E0302: a global is assigned\n\n\
             Globals are closed: a recipe has only the variables that it declares with `local`, so that no\n\
             file changes what another one sees, and a slip of the finger is an error.\n\n\
             Wrong:\n\n    count = 2\n    return require(\"cloudbuild\").campaign \"x\" { packages = { \"hello\" } }\n\n\
             Right:\n\n    local count = 2\n    return require(\"cloudbuild\").campaign \"x\" { packages = { \"hello\" } }\n"
        );
    }
}
