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
  return withFlags(name, () => RULES[name](options));
}

/** What `make` throws, under the names that options have in the command. */
export function withFlags<T>(rule: RuleName, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof GradsiftError)) throw error;
    const key = /^\w+/.exec(error.message)?.[0] ?? '';
    const option = RULE_OPTIONS.find((each) => each.key === key && each.rules.includes(rule));
    const others: Readonly<Record<string, string>> = { domains: '--domains', initial: '--initial', sizes: '--tokens' };
    const flag = option ? optionName(option.flags).name : others[key];
    throw new GradsiftError(error.code, error.message.replace(/^\w+/, flag ?? key), { cause: error });
  }
}
