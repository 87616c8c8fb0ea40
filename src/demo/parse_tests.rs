//! Every text of the world is a prompt file by the product's own reader, and its template renders.
use super::*;
use crate::domain::prompt_file::PromptFile;
use crate::engine::template::Template;

#[test]
fn every_publication_is_a_prompt_file() {
    let world = World::new(Plan { prompts: 400, calls: 0, ..Plan::standard(1_795_305_600_000) });
    for publication in world.prompts() {
        let file = PromptFile::parse("demo", publication.text.as_bytes())
            .unwrap_or_else(|e| panic!("{e}\n{}", publication.text));
        assert_eq!(file.uri, publication.uri);
        let template = Template::parse(file.template(), file.template_line())
            .unwrap_or_else(|e| panic!("{e}\n{}", publication.text));
        assert!(template.unknown_helpers().is_empty(), "{}", publication.text);
        let mut values = serde_json::Map::new();
        let scope =
            publication.text.split("schema: { ").nth(1).map_or("", |s| s.split(" }").next().unwrap_or(""));
        for v in scope.split(", ").filter_map(|p| p.split(':').next()) {
            values.insert(v.to_owned(), "x".into());
        }
        // The one that is used and not declared: the agent is to find it.
        values.insert("carrier".to_owned(), "x".into());
        template.render(&values, "").unwrap_or_else(|e| panic!("{e}\n{}", publication.text));
    }
}
