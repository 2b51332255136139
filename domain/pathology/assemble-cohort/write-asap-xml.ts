/** An annotated outline with corners in level-0 pixels. */
export interface AnnotatedOutline {
  name: string;
  group: string;
  corners: readonly (readonly [x: number, y: number])[];
}

const COLOR = '#F4FA58';

/** Formats annotations as ASAP XML, as in CAMELYON16. Names must not require XML escaping. */
export function asapXml(outlines: readonly AnnotatedOutline[]): string {
  const groups = [...new Set(outlines.map(({ group }) => group))];
  return [
    '<?xml version="1.0"?>',
    '<ASAP_Annotations>',
    '\t<Annotations>',
    ...outlines.flatMap(annotation),
    '\t</Annotations>',
    '\t<AnnotationGroups>',
    ...groups.flatMap((group) => [
      `\t\t<Group Name="${group}" PartOfGroup="None" Color="${COLOR}">`,
      '\t\t\t<Attributes />',
      '\t\t</Group>',
    ]),
    '\t</AnnotationGroups>',
    '</ASAP_Annotations>',
    '',
  ].join('\n');
}

function annotation({ name, group, corners }: AnnotatedOutline): string[] {
  return [
    `\t\t<Annotation Name="${name}" Type="Polygon" PartOfGroup="${group}" Color="${COLOR}">`,
    '\t\t\t<Coordinates>',
    ...corners.map(
      ([x, y], order) => `\t\t\t\t<Coordinate Order="${order}" X="${x.toFixed(2)}" Y="${y.toFixed(2)}" />`,
    ),
    '\t\t\t</Coordinates>',
    '\t\t</Annotation>',
  ];
}
