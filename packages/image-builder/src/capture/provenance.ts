import { createHash } from 'node:crypto';
import type { InstalledPackage } from '../phases/package-list.ts';
import { packagePurl } from './package-purl.ts';

export interface ProvenanceFacts {
  readonly buildId: string;
  readonly release: string;
  /** The recipe after validation; references to secrets, no secrets. */
  readonly recipe: { readonly name: string };
  readonly suites: unknown;
  readonly sourceDateEpoch: number;
  readonly tools: Readonly<Record<string, string>>;
  readonly packages: readonly InstalledPackage[];
  readonly subjects: readonly { readonly name: string; readonly sha256: string }[];
  readonly finishedAt: Date;
}

/** What a verifier is to look up: there is no document behind them. */
const buildType = 'urn:osforge:build:recipe:1';
const builderId = 'urn:osforge:image-builder';

/**
 * An in-toto statement (v1) with a SLSA provenance predicate (v1): which files, made from which recipe and packages. It is
 * not signed itself: SHA256SUMS, which names the manifest that it stands in, can be.
 */
export function provenance(facts: ProvenanceFacts): object {
  const { recipe, release } = facts;
  const recipeSha256 = createHash('sha256').update(JSON.stringify(recipe)).digest('hex');
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: facts.subjects.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: { recipe: { name: recipe.name, digest: { sha256: recipeSha256 } } },
        internalParameters: {
          sourceDateEpoch: facts.sourceDateEpoch,
          suites: facts.suites,
          tools: facts.tools,
        },
        resolvedDependencies: facts.packages.map((installed) => ({
          name: installed.name,
          uri: packagePurl(installed, release),
        })),
      },
      runDetails: {
        builder: { id: builderId },
        metadata: { invocationId: facts.buildId, finishedOn: facts.finishedAt.toISOString() },
      },
    },
  };
}
