"""Studies: many variants of one pair of pictures, compared in a report that is a single file.

study = plan_study("photo.jpg", "painting.jpg", "folder", sweeps={"style_weight": [0.3, 1, 3]}, size=384)
print(study.finish())
"""

from impasto.study.study import Progress, Study, plan_study

__all__ = ["Progress", "Study", "plan_study"]
