// The rules of domain weights by name.
import { GradsiftError } from '../errors.js';
import { aioli } from '../reweighting/aioli.js';
import { dga } from '../reweighting/dga.js';
import { doge } from '../reweighting/doge.js';
import { doremi } from '../reweighting/doremi.js';
import { grape, type GrapeOptions } from '../reweighting/grape.js';
import { odm } from '../reweighting/odm.js';
import { proportional, type ProportionalOptions } from '../reweighting/proportional.js';
import { regmix } from '../reweighting/regmix.js';
import type { Reweighter, ReweighterState } from '../reweighting/reweighter.js';
import { temperature, type TemperatureOptions } from '../reweighting/temperature.js';
import { uniform } from '../reweighting/uniform.js';
import { optionName, RULE_OPTIONS, type RuleName } from './mix-rule-options.js';

/** A rule whose state and evidence are its own affair. */
export type AnyRule = Reweighter<ReweighterState, unknown>;
type Options = Readonly<Record<string, unknown>>;

const RULES: Readonly<Record<RuleName, (options: Options) => AnyRule>> = {
  doge: (options: Options) => doge(options),
  dga: (options: Options) => dga(options),
  grape: (options: Options) => grape(options as unknown as GrapeOptions),
  doremi: (options: Options) => doremi(options),
  odm: (options: Options) => odm(options),
  aioli: (options: Options) => aioli(options),
  regmix: (options: Options) => regmix({ seed: 0, ...options }),
  uniform: () => uniform(),
  proportional: (options: Options) => proportional(options as unknown as ProportionalOptions),
  temperature: (options: Options) => temperature(options as unknown as TemperatureOptions),
};

/** The rule. @throws GRADSIFT_ARGUMENT under the names that options have in the command */
export function makeRule(name: RuleName, options: Options): AnyRule {
  try {
    return RULES[name](options);
  } catch (error) {
    if (!(error instanceof GradsiftError)) throw error;
    const option = RULE_OPTIONS.find(({ key, rules }) => rules.includes(name) && error.message.startsWith(key));
    const message = option ? error.message.replace(/^\w+/, optionName(option.flags).name) : error.message;
    throw new GradsiftError(error.code, message, { cause: error });
  }
}
