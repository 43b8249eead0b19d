/** The types of our panels, as the manifest and the serializers name them. */
export const VIEW_TYPES = {
  dashboard: "trainyard.dashboard",
  builder: "trainyard.builder",
  compare: "trainyard.compare",
  explore: "trainyard.explore",
  plots: "trainyard.plots",
  sweeps: "trainyard.sweeps",
  system: "trainyard.system",
} as const;
