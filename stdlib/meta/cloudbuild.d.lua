---@meta cloudbuild
-- Generated from the declarations in src/lua/api; do not edit.

---@class (exact) cloudbuild.Recipe
---@field kind "recipe"
---@field about string What the recipe is for.

---@class (exact) cloudbuild.AptSources
---@field kind "apt-sources"

---@class (exact) cloudbuild.Overlay
---@field kind "overlay"
---@field path string The file, or the tree's folder.
---@field given string `source-package`, `source-tree` or `binary-package`.
---@field first boolean Whether every other job of a stage comes after it.
---@field suffix string? What is appended to the version of what it builds, if anything.

---@class (exact) cloudbuild.Everything
---@field kind "everything"

---@class (exact) cloudbuild.BaseSystem
---@field kind "base-system"
---@field closure string `runtime` or `build`.

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

---@class (exact) cloudbuild.Order
---@field kind "order"
---@field import string Names the pinned indexes that the sources are in.
---@field arch string The architecture that the order is for.
---@field count integer How many jobs there are.
---@field jobs table[] Each with source, version, arch, component, after (numbers of jobs), estimate, priority, frees, profiles.
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
---@field installed integer How many of them have their packages in the stage.
---@field jobs table[] Each with source, version, arch, state, reused, reason and seconds.

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
---@field packages string[]|cloudbuild.Everything|cloudbuild.BaseSystem Source packages to rebuild, by name or `name=version`.
---@field arch? string Debian architecture to build for. Default: the machine's own.
---@field builders? cloudbuild.Builders|(cloudbuild.Builders)[] Who builds. Default: cb.here().
---@field publish? cloudbuild.Directory Where the archive goes. Default: cb.dir "archive".
---@field environment? table<string, string> Variables for the build environment. Default: {}.
---@field prove? boolean Install from the archive with real apt in a clean chroot. Default: true.

---@class (exact) cloudbuild.options.recipe
---@field run fun(cb: cloudbuild, args: table): any Called with `cb` and the arguments when the recipe runs.
---@field name? string Names the run. Default: the file's name without `.lua`.
---@field about? string What the recipe is for, in a few words. Default: nothing.
---@field args? table<string, string|table> The arguments that it takes: a type, or a table with more. Default: {}.

---@class (exact) cloudbuild.options.apt.system
---@field also? string[] Third-party entries that builds may see all the same: an Origin, a host, or a file's stem. Default: {}.

---@class (exact) cloudbuild.options.source_package
---@field first? boolean Build it before every other package of a stage, against what is there. Default: false.
---@field suffix? string What is appended to the version of what it builds. Default: the build's.

---@class (exact) cloudbuild.options.source_tree
---@field first? boolean Build it before every other package of a stage, against what is there. Default: false.
---@field suffix? string What is appended to the version of what it builds. Default: the build's.

---@class (exact) cloudbuild.options.everything

---@class (exact) cloudbuild.options.base_system
---@field closure? "runtime"|"build" `build` takes all that is needed to build them, too, until nothing else has to be there. Default: runtime.

---@class (exact) cloudbuild.options.here
---@field slots? integer Builds at the same time. Default: the setting `slots`.

---@class (exact) cloudbuild.options.dir
---@field suite? string `Suite:` of the archive. Default: the campaign's name.
---@field origin? string `Origin:` of the archive. Default: cloudbuild.
---@field label? string `Label:` of the archive. Default: the campaign's name.

---@class (exact) cloudbuild.options.import
---@field sources? cloudbuild.AptSources Where packages come from. Default: cb.apt.system().
---@field arch? string Debian architecture to build for. Default: the machine's own.
---@field overlay? cloudbuild.Overlay|(cloudbuild.Overlay)[] Local packages that supersede every other version of themselves. Default: {}.
---@field dsc? string One local source package instead of `sources`: its .dsc. Default: none.

---@class (exact) cloudbuild.options.order
---@field sources cloudbuild.Import The import that the packages are in.
---@field packages string[]|cloudbuild.Everything|cloudbuild.BaseSystem Source packages to build, by name or `name=version`.
---@field profiles? string[] Build profiles that a package may be built with where that breaks a loop. Default: { "nocheck", "nodoc" }.
---@field older_binaries? boolean Where packages need each other, build against the older binaries that are there. Default: true.
---@field overlay? boolean Build the sources of the import's overlay, too. Default: true.
---@field against? cloudbuild.Import The import that is built against, where the sources are in another one. Default: the same import.

---@class (exact) cloudbuild.options.launch
---@field [integer] cloudbuild.Builders Groups of builders.

---@class (exact) cloudbuild.options.build
---@field order cloudbuild.Order What to build.
---@field on cloudbuild.Fleet Who builds.
---@field stage? string The stage's name; each stage has its own jobs. Default: first.
---@field against? cloudbuild.Import|cloudbuild.Built|(cloudbuild.Import|cloudbuild.Built)[] Whose binaries are built against, newest layer first. Default: the order's import.
---@field environment? table<string, string> Variables for the build environment. Default: {}.
---@field suffix? string What is appended to versions: `+b1`, `~acme1`; never of `all`. Default: none.
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

--- A local source package for an overlay: it supersedes every other version, whatever the version numbers.
---@param dsc string Its .dsc, relative to the recipe's folder.
---@return cloudbuild.Overlay
function cb.source_package(dsc) end

--- A local source tree for an overlay, which is packed as it is and supersedes as a source package does.
---@param folder string The folder with debian/ in it, relative to the recipe's.
---@return cloudbuild.Overlay
function cb.source_tree(folder) end

--- A local binary package for an overlay: it is installed and published instead of every other version.
---@param deb string The .deb, relative to the recipe's folder.
---@return cloudbuild.Overlay
function cb.binary_package(deb) end

--- Every source package of the import.
---@param options? cloudbuild.options.everything
---@return cloudbuild.Everything
function cb.everything(options) end

--- The sources of required and important packages and of build-essential, with what these need to run.
---@param options? cloudbuild.options.base_system
---@return cloudbuild.BaseSystem
function cb.base_system(options) end

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
