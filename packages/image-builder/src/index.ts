export { loadRecipe, type LoadedRecipe } from './recipe/load-recipe.ts';
export { RecipeError } from './recipe/recipe-error.ts';
export type { Diagnostic } from './recipe/diagnostic.ts';
export { formatDiagnostics } from './recipe/format-diagnostics.ts';
export { recipeJsonSchema } from './recipe/json-schema.ts';
export type { App, AppCheck, AppFile, AppScript, CaptureFormat, Recipe, User } from './recipe/recipe.ts';
export { planBuild, type BuildPlan, type PlanBuildOptions } from './build/plan-build.ts';
export {
  startBuild,
  type Build,
  type BuildResult,
  type BuiltFile,
  type StartBuildOptions,
} from './build/start-build.ts';
export { SourceDateEpochError, type BuildOptions } from './build/open-environment.ts';
export type { BuildEvents } from './build/events.ts';
export { recordBuild, type BuildRecorder } from './metrics/record-build.ts';
export { defaultCacheDirectory } from './build/layout.ts';
export {
  BuildNotFoundError,
  cleanBuild,
  listBuilds,
  showBuild,
  type BuildDetails,
  type BuildSummary,
  type CleanOptions,
} from './build/builds.ts';
export { doctor, type DoctorReport } from './doctor/doctor.ts';
export {
  AppInstallError,
  BuildConsistencyError,
  PreflightError,
  VmVerdictError,
  type ConsoleEvidence,
  type InstallerEvidence,
  type PreflightCheck,
} from './errors.ts';
export { isSecretReference, resolveSecret, type SecretReference } from './recipe/secret-reference.ts';
export type { UsbQuestion } from './usb/choose-targets.ts';
export { UsbDeclinedError, UsbNotConfirmedError, UsbWriteError, type UsbFailure } from './usb/errors.ts';
export { phaseNames, type PhaseName } from './phases/names.ts';
export { ImageTooSmallError } from './phases/image-too-small-error.ts';
