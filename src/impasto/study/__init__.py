"""Studies: many variants of one pair of pictures, compared in a report that is a single file.

study = impasto.plan_study("photo.jpg", "painting.jpg", "folder", sweeps={"style_weight": [0.3, 1, 3]},
size=384) print(study.finish())
"""
