/** A line of nvidia-smi about an H100 with 81,559 MiB. @param used MiB @param celsius its temperature, or what stands in its place */
export function gpuLine(used: number, celsius: string, index = 0): string {
  return `${index}, GPU-3f6b2c1e-aaaa-bbbb-cccc-1234567890a${index}, NVIDIA H100 80GB HBM3, 87, ${used}, 81559, ${celsius}, 512.34, 700.00`;
}
