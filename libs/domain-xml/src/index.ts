export { fit } from './fit.ts';
export { novaLabelRules, type LabelRule } from './label-rules.ts';
export { DomainXmlError, parseDomainXml, type ParsedDomain } from './parse-domain-xml.ts';
export { defined, listOrNone, yesNo } from './values.ts';
