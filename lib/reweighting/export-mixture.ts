// A mixture in the form that a trainer reads.
import { requireOneOf } from '../errors.js';
import { doremiWeights, type DoremiExportOptions } from './exports/doremi-weights.js';
import { energon, type EnergonOptions } from './exports/energon.js';
import type { Exporter } from './exports/exporter.js';
import { gptNeox } from './exports/gpt-neox.js';
import { huggingFace, type HuggingFaceOptions } from './exports/hugging-face.js';
import { levanter, type LevanterOptions } from './exports/levanter.js';
import { llamaFactory, type LlamaFactoryOptions } from './exports/llama-factory.js';
import { megatron, type MegatronOptions } from './exports/megatron.js';
import { nanotron } from './exports/nanotron.js';
import { nemo, type NemoOptions } from './exports/nemo.js';
import { olmoCore, type OlmoCoreOptions } from './exports/olmo-core.js';
import { regmixConfig, type RegmixExportOptions } from './exports/regmix-config.js';
import { streaming, type StreamingOptions } from './exports/streaming.js';
import { torchtitan, type TorchtitanOptions } from './exports/torchtitan.js';
import type { Mixture, MixtureUnit } from './mixture.js';
import { inUnit } from './units.js';

/** Options of each form, by its name. */
export interface ExportOptionsByFormat {
  megatron: MegatronOptions;
  nemo: NemoOptions;
  energon: EnergonOptions;
  streaming: StreamingOptions;
  'hugging-face': HuggingFaceOptions;
  'olmo-core': OlmoCoreOptions;
  torchtitan: TorchtitanOptions;
  levanter: LevanterOptions;
  nanotron: object;
  'llama-factory': LlamaFactoryOptions;
  'gpt-neox': object;
  doremi: DoremiExportOptions;
  regmix: RegmixExportOptions;
}

/** A trainer that mixtures can be exported to. */
export type ExportFormat = keyof ExportOptionsByFormat;

const EXPORTERS: { readonly [Format in ExportFormat]: Exporter<ExportOptionsByFormat[Format]> } = {
  megatron,
  nemo,
  energon,
  streaming,
  'hugging-face': huggingFace,
  'olmo-core': olmoCore,
  torchtitan,
  levanter,
  nanotron,
  'llama-factory': llamaFactory,
  'gpt-neox': gptNeox,
  doremi: doremiWeights,
  regmix: regmixConfig,
};

/** The names of the trainers. */
export const EXPORT_FORMATS = Object.keys(EXPORTERS) as readonly ExportFormat[];

/** A mixture as a trainer reads it. */
export interface MixtureExport {
  readonly format: ExportFormat;
  /** What a weight means in it. */
  readonly unit: MixtureUnit;
  /** Flags, or the content of the file. */
  readonly text: string;
  /** Domains of weight 0, which are left out. */
  readonly dropped: readonly string[];
}

/**
 * The mixture in the form of a trainer: weights in its unit, every float64 in the shortest text that reads back as the
 * same bits.
 *
 * @param options of that trainer; `samples` where its unit is one sample of whatever the dataset holds
 * @throws GradsiftError GRADSIFT_ARGUMENT when the form needs what the record has not: a path, a length, epochs
 */
export function exportMixture<Format extends ExportFormat>(
  mixture: Mixture,
  format: Format,
  options: ExportOptionsByFormat[Format] = {},
): MixtureExport {
  requireOneOf('format', format, EXPORT_FORMATS);
  const exporter: Exporter<ExportOptionsByFormat[Format]> = EXPORTERS[format];
  const unit = exporter.unit(options);
  const { domains } = inUnit(mixture, unit);
  const dropped = domains.filter(({ weight }) => weight === 0).map(({ name }) => name);
  const text = exporter.write(
    domains.filter(({ weight }) => weight > 0),
    options,
  );
  return { format, unit, text, dropped };
}
