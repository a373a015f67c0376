export { factoredGfim, type FactoredGfimOptions } from './gradients/factored-gfim.js';
export {
  factoredDots,
  factoredGram,
  factoredNorms,
  type FactoredDotsOptions,
  type LayerArrays,
} from './gradients/factored-products.js';
export {
  domainGradients,
  factoredSums,
  type DomainGradients,
  type DomainGradientsOptions,
  type FactoredSumsOptions,
} from './gradients/factored-sums.js';
export { factoredRows, type FactoredLayer, type FactoredRowsOptions, type FactoredTerm } from './gradients/factored.js';
export { openGradientWriter, type GradientWriter, type GradientWriterOptions } from './gradients/gradient-writer.js';
export type { MemoryGradients, MemoryLayer } from './gradients/memory-store.js';
export { openGradients, type OpenGradientsOptions } from './gradients/open-gradients.js';
export { readSafetensors, type SafetensorsFile } from './gradients/read-safetensors.js';
export type { BlockOptions, GradientStore, InputRecord, LayerInfo, RowBlock, StoredDtype } from './gradients/store.js';
export { writeNpy } from './gradients/write-npy.js';
export { writeSafetensors, type Tensor } from './gradients/write-safetensors.js';
export { loadCurvature, saveCurvature } from './influence/curvature-file.js';
export type { Curvature, LayerCurvature } from './influence/curvature.js';
export { detectionCurve, rocAuc } from './influence/detection.js';
export { fit, type FitOptions } from './influence/fit.js';
export { influence } from './influence/influence.js';
export { METHODS, SOLVERS, type InfluenceOptions, type MethodName, type Progress } from './influence/options.js';
export { planInfluence, type Plan } from './influence/plan.js';
export { precondition, type PreconditionOptions, type Preconditioned } from './influence/precondition.js';
export { PRESETS, type PresetName } from './influence/presets.js';
export { rankAgreement, type RankAgreement } from './influence/rank-agreement.js';
export { toJson, type InfluenceResult, type LayerRecord, type MethodResult } from './influence/result.js';
export { score, type ScoreOptions, type Scores } from './influence/score.js';
export { topK, type Ranked, type TopKOptions } from './influence/top-k.js';
export type { Certificate, SolveOptions, SolveResult } from './linalg/certificate.js';
export { cgSolve, cgSolveAsync, type CgOptions } from './linalg/cg-solve.js';
export { choleskyInverse, choleskyInverseAsync, type CholeskyInverseOptions } from './linalg/cholesky-inverse.js';
export { choleskySolve, choleskySolveAsync, type CholeskySolveOptions } from './linalg/cholesky-solve.js';
export { eigh, eighAsync, type EighOptions, type EighResult } from './linalg/eigh.js';
export { fmaPeak, type FmaPeakOptions } from './linalg/fma-peak.js';
export { readPeak } from './linalg/read-peak.js';
export {
  gfim,
  gfimAsync,
  gfimTileSamples,
  type GfimOptions,
  type GfimSide,
  type GradientRows,
  type GramPrecision,
} from './linalg/gfim.js';
export {
  hyperpowerInverse,
  hyperpowerInverseAsync,
  type HyperpowerInverseOptions,
  type InverseResult,
} from './linalg/hyperpower-inverse.js';
export {
  hyperpowerPlan,
  hyperpowerSolve,
  hyperpowerSolveAsync,
  type HyperpowerPlan,
  type HyperpowerSolveOptions,
} from './linalg/hyperpower-solve.js';
export { matmul, matmulAsync, type MatmulOptions } from './linalg/matmul.js';
export {
  nearestCentroid,
  nearestCentroidAsync,
  type Nearest,
  type NearestCentroidOptions,
} from './linalg/nearest-centroid.js';
export {
  addRowAlignments,
  addRowAlignmentsAsync,
  type RowAlignmentOptions,
  type RowAlignmentSums,
  type RowColumns,
  type WeightedTarget,
} from './linalg/row-alignments.js';
export { rowGram, rowGramAsync, type RowGramOptions } from './linalg/row-gram.js';
export {
  addRowGram,
  addRowGramAsync,
  addWeightedRows,
  addWeightedRowsAsync,
  rowDots,
  rowDotsAsync,
  rowNorms,
  rowNormsAsync,
  type AddWeightedRowsOptions,
  type RowDotsOptions,
  type RowsOptions,
  type StoredRows,
  type StoredRowsOptions,
} from './linalg/rows.js';
export { addRowsByLabel, addRowsByLabelAsync, type RowsByLabelOptions } from './linalg/rows-by-label.js';
export { solveResidual, solveResidualAsync } from './linalg/solve-residual.js';
export { solveDamped, type DampedSolution, type SolveCertificate, type SolveDampedOptions } from './linalg/solve.js';
export {
  sparseProduct,
  sparseProductAsync,
  sparseTranspose,
  type SparseProductOptions,
  type SparseRows,
} from './linalg/sparse-product.js';
export { symmetricProduct, symmetricProductAsync, type SymmetricProductOptions } from './linalg/symmetric-product.js';
export { widen, widenAsync, type HalfDtype } from './linalg/widen.js';
export {
  woodburySolve,
  woodburySolveAsync,
  type WoodburyOptions,
  type WoodburyResult,
} from './linalg/woodbury-solve.js';
export { backend, type Backend } from './native/backend.js';
export type { CudaDevice, CudaStatus } from './native/binding.js';
export type { DeviceName } from './native/device.js';
export { namedSeed, random, seeded, type Random, type RandomState } from './random.js';
export {
  aioli,
  aioliMixtures,
  type AioliEvidence,
  type AioliOptions,
  type AioliState,
  type AioliSweep,
} from './reweighting/aioli.js';
export { alignments, type Alignments, type AlignmentsOptions } from './reweighting/alignments.js';
export { apportion } from './reweighting/apportion.js';
export { basisScores, mixBasis, type Basis } from './reweighting/basis.js';
export { loadClusterTree, saveClusterTree } from './reweighting/cluster-tree-file.js';
export {
  assignClusters,
  fitClusters,
  type AssignClustersOptions,
  type ClusterLevel,
  type ClusterProgress,
  type ClusterTree,
  type FitClustersOptions,
} from './reweighting/cluster-tree.js';
export {
  clusterCounts,
  crisp,
  rollUp,
  type ClusterCounts,
  type CrispOptions,
  type CrispPlan,
  type CrispSmoothing,
} from './reweighting/crisp.js';
export { dga, type DgaEvidence, type DgaOptions, type DgaState } from './reweighting/dga.js';
export {
  documentSampler,
  documentsByCluster,
  type DocumentSampler,
  type DocumentSamplerOptions,
  type DrawnDocument,
} from './reweighting/document-sampler.js';
export {
  openDocuments,
  type Documents,
  type DocumentSource,
  type OpenDocumentsOptions,
} from './reweighting/documents.js';
export { doge, type DogeEvidence, type DogeOptions, type DogeState } from './reweighting/doge.js';
export { normalise, type DomainNumbers, type DomainWeights } from './reweighting/domains.js';
export { doremi, excessLoss, type DoremiEvidence, type DoremiOptions, type DoremiState } from './reweighting/doremi.js';
export {
  embedTexts,
  writeEmbeddings,
  type Embeddings,
  type EmbedTextsOptions,
  type SentenceEncoder,
  type Texts,
} from './reweighting/embed-texts.js';
export { grape, type Grape, type GrapeEvidence, type GrapeOptions, type GrapeState } from './reweighting/grape.js';
export { loadLsa, saveLsa } from './reweighting/lsa-file.js';
export {
  fitLsa,
  lsaEmbeddings,
  lsaEncoder,
  type LsaEmbeddingsOptions,
  type LsaModel,
  type LsaOptions,
  type LsaProgress,
} from './reweighting/lsa.js';
export type { NGramRange, TextFeatures } from './reweighting/text-features.js';
export type { LimitOptions } from './reweighting/limits.js';
export { predictLoss, type LawDegree, type MixtureLaw, type MixtureRun } from './reweighting/mixture-law.js';
export { odm, type OdmEvidence, type OdmOptions, type OdmState } from './reweighting/odm.js';
export { proportional, type ProportionalOptions } from './reweighting/proportional.js';
export {
  regmix,
  type Regmix,
  type RegmixEvidence,
  type RegmixOptions,
  type RegmixState,
} from './reweighting/regmix.js';
export {
  openMixLog,
  parseMixLog,
  readMixLog,
  type MixLog,
  type MixLogHeader,
  type MixLogStep,
  type MixLogWriter,
} from './reweighting/mix-log.js';
export type { AbsentPolicy, Reweighter, ReweighterState, WeightOptions } from './reweighting/reweighter.js';
export {
  sketchError,
  sketchGradients,
  type SketchKind,
  type SketchOptions,
  type Sketches,
} from './reweighting/sketch-gradients.js';
export {
  assignTexts,
  loadTextClusters,
  saveTextClusters,
  type AssignTextsOptions,
  type TextClusters,
} from './reweighting/text-clusters.js';
export { temperature, type TemperatureOptions } from './reweighting/temperature.js';
export { uniform } from './reweighting/uniform.js';
export { megatronBlend, type Blend } from './reweighting/blend.js';
export { effectiveTokens, planEpochs, type CappedDomain, type EpochPlan } from './reweighting/epochs.js';
export {
  EXPORT_FORMATS,
  exportMixture,
  type ExportFormat,
  type ExportOptionsByFormat,
  type MixtureExport,
} from './reweighting/export-mixture.js';
export {
  createMixture,
  loadMixture,
  MIXTURE_UNITS,
  mixtureText,
  mixtureWeights,
  parseMixture,
  saveMixture,
  type Mixture,
  type MixtureDomain,
  type MixtureFields,
  type MixtureSource,
  type MixtureUnit,
} from './reweighting/mixture.js';
export {
  mixtureSampler,
  type DrawnSample,
  type MixtureSampler,
  type MixtureSamplerOptions,
  type MixtureSamplerState,
} from './reweighting/mixture-sampler.js';
export { inUnit, lossFactors } from './reweighting/units.js';
