/** The package URL (purl, type `deb`) of a Debian package. */
export function packagePurl(
  { name, version, architecture }: { name: string; version: string; architecture: string },
  release: string,
): string {
  const part = encodeURIComponent;
  return `pkg:deb/debian/${part(name)}@${part(version)}?arch=${part(architecture)}&distro=${part(release)}`;
}
