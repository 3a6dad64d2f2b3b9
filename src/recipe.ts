export type ParameterValue = string | number | boolean;
