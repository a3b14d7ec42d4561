---@meta cloudbuild
-- Generated from the declarations in src/lua/api; do not edit.

---@class (exact) cloudbuild.Recipe
---@field kind "recipe"
---@field about string What the recipe is for.

---@class (exact) cloudbuild.AptSources
---@field kind "apt-sources"

---@class (exact) cloudbuild.Selection
---@field kind "selection"
---@field of any What it selects, as plain data.

---@class (exact) cloudbuild.Sources
---@field kind "sources"
---@field import string Names the pinned indexes that they are in.
---@field packages any Which of them, as plain data.
---@field build_depend_on fun(self: cloudbuild.Sources, packages: string|string[]): cloudbuild.Sources Those that build-depend on one of these packages.
---@field first fun(self: cloudbuild.Sources, count: integer): cloudbuild.Sources The first ones by name.

---@class (exact) cloudbuild.Stage
---@field kind "stage"
---@field name string Names the stage.
---@field packages string[]|cloudbuild.Selection What it builds.
---@field against (string|cloudbuild.AptSources)[] What it is built against, newest layer first.
---@field optional boolean Whether the run is good without it.

---@class (exact) cloudbuild.Builders
---@field kind "builders"
---@field slots integer? Builds at the same time, where the recipe says.

---@class (exact) cloudbuild.Directory
---@field kind "directory"
---@field path string The archive's root.
---@field suite string? `Suite:` of the archive, if it was given.
---@field origin string? `Origin:` of the archive, if it was given.
---@field label string? `Label:` of the archive, if it was given.
---@overload fun(options: cloudbuild.options.dir): cloudbuild.Directory

---@class (exact) cloudbuild.Import
---@field kind "import"
---@field import string Names the pinned indexes.
---@field arch string The architecture that binaries were imported for.
---@field sources integer Source packages that can be chosen.
---@field packages integer Binary packages that chroots may see.
---@field build_depend_on fun(self: cloudbuild.Import, packages: string|string[]): cloudbuild.Sources Those that build-depend on one of these packages.
---@field first fun(self: cloudbuild.Import, count: integer): cloudbuild.Sources The first ones by name.

---@class (exact) cloudbuild.Order
---@field kind "order"
---@field import string Names the pinned indexes that the sources are in.
---@field arch string The architecture that the order is for.
---@field count integer How many jobs there are.
---@field jobs table[] Each with source, version, arch, component, after (numbers of jobs), estimate, priority, frees, profiles.
---@field skipped table[] Each with source and reason: what was asked for and is not built.
---@field loops table[] Each with sources that need each other, and edges that close the loop.

---@class (exact) cloudbuild.Fleet
---@field kind "fleet"
---@field builders table[] The groups of builders.

---@class (exact) cloudbuild.Built
---@field kind "built"
---@field stage string The stage that was built.
---@field import string The import that it was built against, below the stages.
---@field arch string The Debian architecture that it was built for.
---@field count integer How many jobs there were.
---@field optional boolean Whether the run is good without what failed in it.
---@field installed integer How many of them have their packages in the stage.
---@field jobs table[] Each with source, version, arch, state, reused, reason and seconds.
---@field binaries string[] Names of the binary packages in the stage.

---@class (exact) cloudbuild.Published
---@field kind "published"
---@field generation string This state of the archive.
---@field path string The archive's root.
---@field key string The public key's file.
---@field suite string The archive's suite.
---@field sources integer Source packages in it.
---@field packages integer Binary packages in it.
---@field components string[] Its components.
---@field proof string[] What real apt installed from it, one line a package.
---@field refused string[] What real apt did not install from it, one line a package with the reason.

---@class (exact) cloudbuild.Comparison
---@field kind "comparison"
---@field count integer How many binary packages were compared.
---@field rows table[] Each with stage, package, arch, before, after and identical.

---@class (exact) cloudbuild.options.campaign
---@field sources? cloudbuild.AptSources Where packages come from. Default: cb.apt.system().
---@field packages? string[]|cloudbuild.Selection Source packages by name or `name=version`, or a selection. Default: what `stages` say.
---@field stages? cloudbuild.Stage|(cloudbuild.Stage)[] Passes, each with packages of its own. Default: one, `first`.
---@field not_for_us? string[] Source packages that are left out, by name. Default: {}.
---@field arch? string Debian architecture to build for. Default: the machine's own.
---@field builders? cloudbuild.Builders|(cloudbuild.Builders)[] Who builds. Default: cb.here().
---@field publish? cloudbuild.Directory Where the archive goes. Default: cb.dir "archive".
---@field environment? table<string, string> Variables for the build environment. Default: {}.
---@field prove? boolean Install from the archive with real apt in a clean chroot. Default: true.

---@class (exact) cloudbuild.options.stage
---@field packages string[]|cloudbuild.Selection Source packages by name or `name=version`, or a selection.
---@field against? string|cloudbuild.AptSources|(string|cloudbuild.AptSources)[] Whose binaries it is built against, newest first: earlier stages by name, and APT sources. Default: the campaign's sources.
---@field optional? boolean The run is good without what fails in it. Default: false.

---@class (exact) cloudbuild.options.recipe
---@field run fun(cb: cloudbuild, args: table): any Called with `cb` and the arguments when the recipe runs.
---@field name? string Names the run. Default: the file's name without `.lua`.
---@field about? string What the recipe is for, in a few words. Default: nothing.
---@field args? table<string, string|table> The arguments that it takes: a type, or a table with more. Default: {}.

---@class (exact) cloudbuild.options.apt.system
---@field also? string[] Third-party entries that builds may see all the same: an Origin, a host, or a file's stem. Default: {}.

---@class (exact) cloudbuild.options.everything

---@class (exact) cloudbuild.options.base_system
---@field closure? "runtime"|"build" `build` takes all that is needed to build them, too, until nothing else has to be there. Default: runtime.

---@class (exact) cloudbuild.options.runtime_closure
---@field of string[] Binary packages by name.

---@class (exact) cloudbuild.options.pick
---@field of? string[]|cloudbuild.Selection Only among these. Default: `cb.everything {}`.
---@field section? string|string[] Section, such as `libs`, or a list of them. Default: any.
---@field component? string|string[] Component, such as `main`, or a list of them. Default: any.
---@field build_depends_on? string|string[] A binary package that is build-depended on, or a list where one of them is enough. Default: anything.
---@field at_most? integer At most so many. Default: all of them.
---@field seed? integer Decides by chance which ones. Default: the first ones by name.

---@class (exact) cloudbuild.options.here
---@field slots? integer Builds at the same time. Default: the setting `slots`.

---@class (exact) cloudbuild.options.dir
---@field suite? string `Suite:` of the archive. Default: the campaign's name.
---@field origin? string `Origin:` of the archive. Default: cloudbuild.
---@field label? string `Label:` of the archive. Default: the campaign's name.

---@class (exact) cloudbuild.options.import
---@field sources? cloudbuild.AptSources Where packages come from. Default: cb.apt.system().
---@field arch? string Debian architecture to build for. Default: the machine's own.

---@class (exact) cloudbuild.options.order
---@field sources cloudbuild.Import|cloudbuild.Sources The import that the packages are in, or some of it.
---@field packages? string[]|cloudbuild.Selection By name or `name=version`, or a selection. Default: all of `sources`.
---@field not_for_us? string[] Source packages that are left out, by name. Default: {}.
---@field against? cloudbuild.Import|cloudbuild.Built|(cloudbuild.Import|cloudbuild.Built)[] What they will be built against, newest first. Default: the import.
---@field profiles? string[] Build profiles that a package may be built with where that breaks a loop. Default: { "nocheck", "nodoc" }.
---@field older_binaries? boolean Where packages need each other, build against the older binaries that are there. Default: true.

---@class (exact) cloudbuild.options.launch
---@field [integer] cloudbuild.Builders Groups of builders.

---@class (exact) cloudbuild.options.build
---@field order? cloudbuild.Order What to build. Default: that of `sources`.
---@field sources? cloudbuild.Import|cloudbuild.Sources What to build, where no `order` was made. Default: nothing.
---@field on cloudbuild.Fleet Who builds.
---@field stage? string The stage's name; each stage has its own jobs. Default: first, second, ....
---@field against? cloudbuild.Import|cloudbuild.Built|(cloudbuild.Import|cloudbuild.Built)[] Whose binaries are built against, newest layer first. Default: the order's import.
---@field environment? table<string, string> Variables for the build environment. Default: {}.
---@field optional? boolean The run is good without what fails in it. Default: false.
---@field prove? boolean A proof will follow: make its chroot ready meanwhile. Default: false.

---@class (exact) cloudbuild.options.publish
---@field [integer] cloudbuild.Built Builds; a later one supersedes an earlier one.
---@field to cloudbuild.Directory Where the archive goes.
---@field suite? string `Suite:` of the archive. Default: the directory's, or the last stage's name.
---@field origin? string `Origin:` of the archive. Default: the directory's, or cloudbuild.
---@field label? string `Label:` of the archive. Default: the directory's, or the suite.
---@field prove? boolean Install from the archive with real apt in a clean chroot. Default: false.

---@class (exact) cloudbuild.options.compare
---@field [integer] cloudbuild.Built Builds to compare.

---@class (exact) cloudbuild
local cb = {}

---@class (exact) cloudbuild.apt
cb.apt = {}

--- Rebuilds packages and publishes an archive of them: import, order, launch, build, publish, compare.
---@param name string Names the run, and the archive that it publishes.
---@return fun(options: cloudbuild.options.campaign): cloudbuild.Recipe
function cb.campaign(name) end

--- A pass over a set of sources, built against a stated set of archives.
---@param name string Names the stage.
---@return fun(options: cloudbuild.options.stage): cloudbuild.Stage
function cb.stage(name) end

--- A recipe that acts step by step: `run` calls the primitives.
---@param options cloudbuild.options.recipe
---@return cloudbuild.Recipe
function cb.recipe(options) end

--- This machine's own APT sources.
---@param options? cloudbuild.options.apt.system
---@return cloudbuild.AptSources
function cb.apt.system(options) end

--- The APT sources of one file, one-line or deb822, as in /etc/apt.
---@param file string The file, relative to the recipe's folder.
---@return cloudbuild.AptSources
function cb.apt.sources(file) end

--- Every source package of the import.
---@param options? cloudbuild.options.everything
---@return cloudbuild.Selection
function cb.everything(options) end

--- The sources of required and important packages and of build-essential, with what these need to run.
---@param options? cloudbuild.options.base_system
---@return cloudbuild.Selection
function cb.base_system(options) end

--- The sources of some binary packages and of all that gets installed with them.
---@param options cloudbuild.options.runtime_closure
---@return cloudbuild.Selection
function cb.runtime_closure(options) end

--- Source packages that have what is asked for; each condition that is given has to hold.
---@param options cloudbuild.options.pick
---@return cloudbuild.Selection
function cb.pick(options) end

--- What a stage built with inputs that are no longer the same: their hashes are compared.
---@param stage string The stage.
---@return cloudbuild.Selection
function cb.changed_inputs(stage) end

--- Builders on this machine.
---@param options? cloudbuild.options.here
---@return cloudbuild.Builders
function cb.here(options) end

--- A directory to publish an archive to.
---@param path string The archive's root; relative to the state directory.
---@return cloudbuild.Directory
function cb.dir(path) end

--- Pins suites and their indexes: what the run builds from and against.
---@param options? cloudbuild.options.import
---@return cloudbuild.Import
function cb.import(options) end

--- Chooses source packages and puts them in build order.
---@param options cloudbuild.options.order
---@return cloudbuild.Order
function cb.order(options) end

--- Says which builders there are; they start when there is work.
---@param options cloudbuild.options.launch
---@return cloudbuild.Fleet
function cb.launch(options) end

--- Builds what an order lists.
---@param options cloudbuild.options.build
---@return cloudbuild.Built
function cb.build(options) end

--- Writes a signed archive of what was built.
---@param options cloudbuild.options.publish
---@return cloudbuild.Published
function cb.publish(options) end

--- Tells what came of builds, against what was there before.
---@param options cloudbuild.options.compare
---@return cloudbuild.Comparison
function cb.compare(options) end

return cb
