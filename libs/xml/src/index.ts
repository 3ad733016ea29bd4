export { XmlElement } from './xml-element.ts';
export { XmlError, type XmlErrorCode } from './xml-error.ts';
export { defaultXmlLimits, parseXml, type XmlLimits } from './parse-xml.ts';
