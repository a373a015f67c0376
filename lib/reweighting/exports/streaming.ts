// MosaicML Streaming and LLM-Foundry: one scheme for all streams.
import { GradsiftError, mismatch, requireInteger, requireOneOf } from '../../errors.js';
import { hamilton } from '../apportion.js';
import { proportions } from '../domains.js';
import { pathOf, sampleUnit, weightOf, type Exporter, type SampleOptions } from './exporter.js';
import { real, yamlText, type YamlValue } from './yaml.js';

/** How LLM-Foundry is told. */
export interface StreamingOptions extends SampleOptions {
  /**
   * 'proportion' (default): shares, which the trainer rounds by a random draw. 'choose': samples of an epoch, whole
   * numbers that sum to `epochSamples`. 'repeat': the record's epochs.
   */
  readonly form?: 'proportion' | 'choose' | 'repeat' | undefined;
  /** Samples of one epoch, for 'choose'. */
  readonly epochSamples?: number | undefined;
  /** Split of every stream; default 'train'. */
  readonly split?: string | undefined;
  /** Whether paths are 'local' folders (default), or 'remote' addresses that are cached in `cache`/name. */
  readonly paths?: 'local' | 'remote' | undefined;
  readonly cache?: string | undefined;
}

export const streaming: Exporter<StreamingOptions> = {
  unit: sampleUnit,
  write(domains, { form = 'proportion', epochSamples, split = 'train', paths = 'local', cache }) {
    requireOneOf('form', form, ['proportion', 'choose', 'repeat']);
    requireOneOf('paths', paths, ['local', 'remote']);
    if (paths === 'remote' && typeof cache !== 'string')
      throw mismatch('GRADSIFT_ARGUMENT', 'cache', 'a folder', cache);
    if (form === 'choose') requireInteger('epochSamples', epochSamples, 1);
    const shares = proportions(
      'weights',
      domains.map(({ weight }) => weight),
    );
    const counts = form === 'choose' ? hamilton(shares, epochSamples as number) : [];
    const streams = domains.map((domain, index): [string, YamlValue] => {
      const { name, epochs } = domain;
      const path = pathOf(domain);
      const place = paths === 'local' ? { local: path } : { remote: path, local: `${cache}/${name}` };
      if (form === 'proportion') return [name, { ...place, split, proportion: weightOf(domain) }];
      if (form === 'choose') return [name, { ...place, split, choose: counts[index] as number }];
      if (epochs !== undefined) return [name, { ...place, split, repeat: real(epochs) }];
      throw new GradsiftError(
        'GRADSIFT_ARGUMENT',
        `mixture: the domain ${name} has no epochs: planEpochs(mixture, ...)`,
      );
    });
    return yamlText({ train_loader: { dataset: { streams: Object.fromEntries(streams) } } });
  },
};
