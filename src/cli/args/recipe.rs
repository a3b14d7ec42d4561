//! The words of `cloudbuild recipe`.

use std::path::PathBuf;

use clap::Subcommand;

use super::RecipeArgs;

/// What about a recipe.
#[derive(Debug, Subcommand)]
pub enum RecipeCommand {
    /// Find what is wrong with a recipe, by running it on a sample archive; builds nothing
    Check(RecipeArgs),
    /// Run the cases of a test file, on sample archives; builds nothing
    Test {
        /// The test, a Lua file
        #[arg(value_name = "FILE_test.lua")]
        file: PathBuf,
    },
    /// Write a recipe to start from
    New {
        /// The recipe's file, which must not be there yet
        #[arg(value_name = "NAME.lua")]
        file: PathBuf,
        /// What it is to be like
        #[arg(long, value_name = "TEMPLATE", default_value = "local")]
        template: Template,
    },
}

/// Recipes to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Template {
    /// A few packages on this machine
    Local,
    /// The base system, the whole archive, and once more what changed
    ThreeStage,
    /// The same packages with several sets of flags
    Matrix,
    /// Packages for one board, with local ones that supersede the archive's
    Oem,
    /// Packages for another architecture
    Cross,
}

impl Template {
    /// The one text form.
    pub fn text(self) -> &'static str {
        match self {
            Template::Local => "local",
            Template::ThreeStage => "three-stage",
            Template::Matrix => "matrix",
            Template::Oem => "oem",
            Template::Cross => "cross",
        }
    }

    /// The recipe.
    pub fn source(self) -> &'static str {
        match self {
            Template::Local => include_str!("../../../stdlib/templates/local.lua"),
            Template::ThreeStage => include_str!("../../../stdlib/templates/three-stage.lua"),
            Template::Matrix => include_str!("../../../stdlib/templates/matrix.lua"),
            Template::Oem => include_str!("../../../stdlib/templates/oem.lua"),
            Template::Cross => include_str!("../../../stdlib/templates/cross.lua"),
        }
    }
}
