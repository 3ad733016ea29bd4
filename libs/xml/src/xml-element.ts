/** One element: its attributes, its child elements in document order, and its own text. */
export class XmlElement {
  readonly name: string;
  /** Has no prototype, so that an attribute may have any name. */
  readonly attrs: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /**
   * What stands directly inside the element, entities decoded, CDATA included, nothing trimmed.
   * Text between children is joined.
   */
  readonly text: string;

  constructor(
    name: string,
    attrs: Readonly<Record<string, string>>,
    children: readonly XmlElement[],
    text: string,
  ) {
    this.name = name;
    this.attrs = attrs;
    this.children = children;
    this.text = text;
  }

  /** The first child of that name. */
  child(name: string): XmlElement | undefined {
    return this.children.find((each) => each.name === name);
  }

  /** Every child of that name, in document order. */
  childrenNamed(name: string): XmlElement[] {
    return this.children.filter((each) => each.name === name);
  }

  attr(name: string): string | undefined {
    return this.attrs[name];
  }

  /** The trimmed text of the first child of that name; undefined when it is absent or empty. */
  childText(name: string): string | undefined {
    const text = this.child(name)?.text.trim();
    return text === '' ? undefined : text;
  }
}
