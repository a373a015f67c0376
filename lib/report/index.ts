// What programs may use of the report (gradsift/report).
export { influenceReport } from './page.js';
export { mean, standardDeviation } from './statistics.js';
export type { DetectionStudy, PictureSheet, ReportExtras } from './input.js';
