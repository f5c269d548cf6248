/** Settings, values and recipes whose own names say too little. */
/** Those with a dial are called as it is. */
export const LABELS_EN: Record<string, string> = { quality: "Time", keep_colour: "Colours", steady: "Keeps still" };

export const VALUES_EN: Record<string, string> = {
  "keep_colour=none": "The painting's",
  "keep_colour=luminance": "The photo's, place by place",
  "keep_colour=linear": "The photo's palette, softly",
  "keep_colour=histogram": "The photo's palette, exactly",
  "steady=light": "strokes move with the clip",
  "steady=shots": "one hand for every shot",
  "steady=off": "every frame by itself",
  "quality=draft": "draft",
  "quality=normal": "normal",
  "quality=fine": "fine",
};

export const RECIPES_EN: Record<string, readonly [label: string, help: string]> = {
  default: ["Painted", "Every place of the photo in strokes of a place of the painting that is like it."],
  statistics: [
    "All over",
    "The painting's colours and textures spread over the whole picture, by their statistics. Quick.",
  ],
  gatys: ["Gatys 2016", "The method that began it all, from noise. Slow."],
  tutorial: ["As the tutorial", "What TensorFlow's tutorial does, Adam on Gram matrices. Slow."],
  "tutorial-strong-style": ["Tutorial, strong style", "The tutorial with ten times the style."],
  "tutorial-high-tv": ["Tutorial, smooth", "The tutorial, much smoothed."],
  "tutorial-low-tv": ["Tutorial, rough", "The tutorial, hardly smoothed."],
};
