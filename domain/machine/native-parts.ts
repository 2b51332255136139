/**
 * Libraries that are downloaded or built outside npm. A run installs those that its activities require.
 * `tensorflow` computes models on bags, `openslide` reads slides, `onnx` runs encoders and segmenters.
 */
export const NATIVE_PARTS = ['tensorflow', 'openslide', 'onnx'] as const;

export type NativePart = (typeof NATIVE_PARTS)[number];
