/** What a caller may branch on. `dtd` stands for any document type declaration. */
export type XmlErrorCode = 'syntax' | 'dtd' | 'too-large' | 'too-deep' | 'too-many-elements';

/** The text is not XML that we read. Line and column count from 1 and tell where it was noticed. */
export class XmlError extends Error {
  override readonly name = 'XmlError';
  readonly code: XmlErrorCode;
  readonly reason: string;
  readonly line: number;
  readonly column: number;

  constructor(code: XmlErrorCode, reason: string, line: number, column: number) {
    super(`XML line ${line}, column ${column}: ${reason}`);
    this.code = code;
    this.reason = reason;
    this.line = line;
    this.column = column;
  }
}
