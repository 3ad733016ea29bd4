/** The text is no capabilities document that fits the contract; it is refused as a whole. */
export class CapabilitiesXmlError extends Error {
  override readonly name = 'CapabilitiesXmlError';
}
