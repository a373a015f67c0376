// What programs may use of the report (gradsift/report).
export { clusterReport, type ClusterExamples, type ClusterReportInput } from './cluster-report.js';
export { seriesColour } from './drawing.js';
export { html, type Markup } from './html.js';
export { influenceReport } from './page.js';
export { factList, pageText, provenanceSection } from './page-parts.js';
export { pairMap } from './pair-map.js';
export {
  domainColour,
  domainLines,
  scoreMap,
  weightChanges,
  type DomainLine,
  type DomainLinesOptions,
  type ScoreColumn,
  type WeightChange,
} from './mixture-figures.js';
export { mixtureReport, type MixtureReportInput } from './mixture-report.js';
export { mean, standardDeviation } from './statistics.js';
export type { DetectionStudy, PictureSheet, ReportExtras } from './input.js';
